import { assertEquals } from "@std/assert";
import { StoredOrder } from "../../src/mqtt/stored_order.ts";

const permissions = "none";

function orderOver(roundTripMs: number): StoredOrder {
  const order = new StoredOrder();
  order.roundTripMs = roundTripMs;
  return order;
}

Deno.test({
  name: "nothing being known of the broker, the end of stored messages is waited for long",
  permissions,
  fn() {
    assertEquals(new StoredOrder().quietMs, 120);
  },
});

Deno.test({
  name: "a broker that sent fifty stored messages in line is waited for shortly",
  permissions,
  fn() {
    const order = orderOver(1);
    order.note(49, 0);
    assertEquals(order.quietMs, 120);
    order.note(1, 0);
    assertEquals(order.quietMs, 10);
  },
});

Deno.test({
  name: "over a slow network nothing shows that stored messages come in line",
  permissions,
  fn() {
    const order = orderOver(11);
    order.note(1_000, 0);
    assertEquals(order.quietMs, 120);
  },
});

Deno.test({
  name: "one stored message behind PINGRESP, and the broker is never waited for shortly again",
  permissions,
  fn() {
    const order = orderOver(1);
    order.note(1_000, 0);
    order.note(0, 1);
    order.note(1_000, 0);
    assertEquals(order.quietMs, 120);
  },
});
