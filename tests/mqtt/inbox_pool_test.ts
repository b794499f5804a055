import { assertEquals } from "@std/assert";
import { InboxPool } from "../../src/mqtt/inbox_pool.ts";
import { message, textOf } from "./messages.ts";

const permissions = "none";

/** A message that counts for a little more than `bytes`. */
function sized(bytes: number, first: string): ReturnType<typeof message> {
  return message("t", first.padEnd(bytes, "."));
}

Deno.test({
  name: "past the common bound the largest inbox drops its oldest messages, and counts them",
  permissions,
  fn() {
    const pool = new InboxPool(12_000);
    const [large, small] = [pool.create(), pool.create()];
    for (const name of ["a", "b", "c", "d"]) large.push(sized(2_000, name));
    small.push(sized(1_000, "e"));
    assertEquals([large.dropped, small.dropped], [0, 0]);
    small.push(sized(1_000, "f"));
    small.push(sized(1_000, "g"));
    assertEquals([large.dropped, small.dropped], [1, 0]);
    using reader = large.read();
    assertEquals(reader.peek().map((it) => textOf(it)[0]), ["b", "c", "d"]);
    assertEquals(small.pending, 3);
  },
});

Deno.test({
  name: "what was returned, and a closed inbox, make room",
  permissions,
  fn() {
    const pool = new InboxPool(10_000);
    const [one, two, three] = [pool.create(), pool.create(), pool.create()];
    for (const inbox of [one, two]) {
      for (const name of ["a", "b"]) inbox.push(sized(2_000, name));
    }
    const reader = one.read();
    reader.consume(2);
    reader[Symbol.dispose]();
    two.close();
    two.close();
    for (const name of ["c", "d", "e", "f"]) three.push(sized(2_000, name));
    assertEquals([one.dropped, two.dropped, three.dropped], [0, 0, 0]);
    three.push(sized(2_000, "g"));
    assertEquals([three.dropped, three.pending, two.pending], [1, 4, 2]);
  },
});

Deno.test({
  name: "a closed inbox that is still read changes nothing for the others",
  permissions,
  fn() {
    const pool = new InboxPool(10_000);
    const [closed, open] = [pool.create(), pool.create()];
    closed.push(sized(5_000, "a"));
    const reader = closed.read();
    closed.close();
    reader.consume(1);
    reader[Symbol.dispose]();
    for (const name of ["a", "b", "c", "d"]) open.push(sized(2_000, name));
    assertEquals(open.dropped, 0);
    open.push(sized(2_000, "e"));
    assertEquals(open.dropped, 1);
  },
});
