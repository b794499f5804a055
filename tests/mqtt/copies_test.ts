import { assertEquals } from "@std/assert";
import { CopyDetector } from "../../src/mqtt/copies.ts";
import { message } from "./messages.ts";

const permissions = "none";

/** Feeds payloads to a detector, all at one time and with `subscriptions` matching each. */
function copiesAmong(payloads: string[], subscriptions: number): boolean[] {
  const detector = new CopyDetector();
  return payloads.map((payload) => detector.isCopy(message("t", payload), subscriptions));
}

Deno.test({
  name: "with one matching subscription nothing is a copy",
  permissions,
  fn() {
    assertEquals(copiesAmong(["a", "a", "a"], 1), [false, false, false]);
    assertEquals(copiesAmong(["a", "a", "a"], 0), [false, false, false]);
  },
});

Deno.test({
  name: "as many equal messages in a row as subscriptions match are copies of one",
  permissions,
  fn() {
    assertEquals(copiesAmong(["a", "a", "a", "a", "a", "a"], 3), [
      false,
      true,
      true,
      false,
      true,
      true,
    ]);
  },
});

Deno.test({
  name: "another topic, another payload or a later moment is no copy",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const at = message("t", "a").receivedAt;
    assertEquals(detector.isCopy(message("t", "a"), 2), false);
    assertEquals(detector.isCopy(message("u", "a"), 2), false);
    assertEquals(detector.isCopy(message("u", "a", { receivedAt: at + 1_000 }), 2), false);
    assertEquals(detector.isCopy(message("u", "ab"), 2), false);
  },
});

Deno.test({
  name: "a broker that was seen to send one copy only is believed, and equal messages all count",
  permissions,
  fn() {
    const detector = new CopyDetector();
    for (const payload of ["1", "2", "3", "4"]) detector.isCopy(message("t", payload), 2);
    assertEquals(detector.isCopy(message("t", "same"), 2), false);
    assertEquals(detector.isCopy(message("t", "same"), 2), false);
  },
});

Deno.test({
  name: "a broker that sends copies is not doubted because of messages with one subscription",
  permissions,
  fn() {
    const detector = new CopyDetector();
    for (let i = 0; i < 20; i++) detector.isCopy(message("single", String(i)), 1);
    for (let i = 0; i < 20; i++) {
      assertEquals(detector.isCopy(message("double", String(i)), 2), false);
      assertEquals(detector.isCopy(message("double", String(i)), 2), true);
    }
  },
});
