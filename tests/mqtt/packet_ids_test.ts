import { assert, assertEquals } from "@std/assert";
import { PacketIds } from "../../src/mqtt/packet_ids.ts";

const permissions = "none";

Deno.test({
  name: "a freed packet identifier is given out again only after all others",
  permissions,
  fn() {
    const ids = new PacketIds();
    for (let wanted = 1; wanted <= 65_535; wanted++) {
      const id = ids.allocate();
      if (id !== wanted) assertEquals(id, wanted);
      ids.deallocate(wanted);
    }
    assertEquals(ids.allocate(), 1);
  },
});

Deno.test({
  name: "an identifier in use is never given out, and when all are there is none",
  permissions,
  fn() {
    const ids = new PacketIds();
    assert(ids.register(2));
    assert(!ids.register(2));
    assertEquals([ids.allocate(), ids.allocate()], [1, 3]);
    assertEquals(ids.getLastAllocated(), 3);
    for (let i = 0; i < 65_532; i++) ids.allocate();
    assertEquals(ids.allocate(), null);
    ids.deallocate(2);
    assertEquals(ids.allocate(), 2);
    ids.clear();
    assertEquals(ids.allocate(), 3);
  },
});
