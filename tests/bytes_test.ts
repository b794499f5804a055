import { assertEquals, assertStrictEquals } from "@std/assert";
import { concat, sameBytes } from "../src/bytes.ts";

const permissions = "none";

Deno.test({
  name: "byte strings are the same when every byte is",
  permissions,
  fn() {
    assertEquals(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)), true);
    assertEquals(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)), false);
    assertEquals(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1)), false);
  },
});

Deno.test({
  name: "parts are put in a row, and a single one is not copied",
  permissions,
  fn() {
    assertEquals(concat([]), new Uint8Array());
    const parts = [Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3)];
    assertEquals(concat(parts), Uint8Array.of(1, 2, 3));
    const only = Uint8Array.of(4);
    assertStrictEquals(concat([only]), only);
  },
});
