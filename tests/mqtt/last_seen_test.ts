import { assert, assertEquals } from "@std/assert";
import { LastSeen } from "../../src/mqtt/last_seen.ts";
import { Random } from "../support/random.ts";
import { message, textOf } from "./messages.ts";

const permissions = "none";

Deno.test({
  name: "the last message of each topic is remembered",
  permissions,
  fn() {
    const seen = new LastSeen();
    assertEquals(seen.get("a"), undefined);
    seen.note(message("a", "1"));
    seen.note(message("b", "2"));
    seen.note(message("a", "3"));
    assertEquals(textOf(seen.get("a") ?? message("", "")), "3");
    assertEquals(seen.topics(), ["b", "a"]);
  },
});

Deno.test({
  name: "past 1,000 topics those not seen for longest are forgotten, an eighth at once",
  permissions,
  fn() {
    const seen = new LastSeen();
    for (let i = 0; i < 1_000; i++) seen.note(message(`t/${i}`, "x"));
    seen.note(message("t/0", "again"));
    seen.note(message("new", "x"));
    assertEquals(seen.topics().length, 875);
    assertEquals([seen.get("t/1"), seen.get("t/126")], [undefined, undefined]);
    assertEquals(seen.topics().slice(0, 1), ["t/127"]);
    assertEquals(seen.topics().slice(-2), ["t/0", "new"]);
  },
});

Deno.test({
  name: "past 8 MiB the oldest go, until there is room again",
  permissions,
  fn() {
    const seen = new LastSeen();
    for (let i = 0; i < 10; i++) seen.note(message(`t/${i}`, new Uint8Array(1024 * 1024)));
    assertEquals(seen.topics(), ["t/4", "t/5", "t/6", "t/7", "t/8", "t/9"]);
    seen.note(message("big", new Uint8Array(7 * 1024 * 1024)));
    assertEquals(seen.topics(), ["big"]);
  },
});

Deno.test({
  name: "a message larger than the whole memory makes only its own topic forgotten",
  permissions,
  fn() {
    const seen = new LastSeen();
    seen.note(message("a", "1"));
    seen.note(message("big", "small still"));
    seen.note(message("big", new Uint8Array(9 * 1024 * 1024)));
    assertEquals(seen.topics(), ["a"]);
  },
});

Deno.test({
  name: "topic names count as much as payloads",
  permissions,
  fn() {
    const seen = new LastSeen();
    for (let i = 0; i < 200; i++) seen.note(message(`${i}/${"x".repeat(60_000)}`, ""));
    assert(seen.topics().length < 75, `${seen.topics().length} topics`);
    assert(seen.topics().length > 60);
  },
});

Deno.test({
  name: "the bounds hold whatever comes, and nothing newer is forgotten before something older",
  permissions,
  fn() {
    const random = new Random(17);
    const seen = new LastSeen();
    const order: string[] = [];
    for (let round = 0; round < 5_000; round++) {
      const topic = `t/${random.int(0, 1_200)}`;
      seen.note(message(topic, new Uint8Array(random.pick([0, 10, 20_000, 200_000]))));
      const known = order.indexOf(topic);
      if (known >= 0) order.splice(known, 1);
      order.push(topic);
      const kept = seen.topics();
      assert(kept.length <= 1_000);
      if (round % 100 === 0) assertEquals(kept, order.slice(order.length - kept.length));
    }
    const bytes = seen.topics().reduce((sum, it) => sum + (seen.get(it)?.payload.length ?? 0), 0);
    assert(bytes <= 8 * 1024 * 1024, `${bytes} bytes`);
  },
});
