import { assertEquals } from "@std/assert";
import { isMalformed } from "../../src/mqtt/malformed.ts";

const permissions = "none";

Deno.test({
  name: "a packet that has to carry an identifier and has none is malformed",
  permissions,
  fn() {
    for (const cmd of ["puback", "pubrec", "pubrel", "pubcomp", "suback", "unsuback"]) {
      for (const messageId of [undefined, -1, 0, 65_536, NaN]) {
        const packet = messageId === undefined ? { cmd } : { cmd, messageId };
        assertEquals(isMalformed(packet), true, `${cmd} ${messageId}`);
      }
      assertEquals(isMalformed({ cmd, messageId: 1 }), false);
    }
    assertEquals(isMalformed({ cmd: "publish", qos: 1, messageId: -1 }), true);
    assertEquals(isMalformed({ cmd: "publish", qos: 0 }), false);
    assertEquals(isMalformed({ cmd: "pingresp" }), false);
  },
});

Deno.test({
  name: "a CONNACK without a code, or with numbers that cannot be, is malformed",
  permissions,
  fn() {
    assertEquals(isMalformed({ cmd: "connack" }), true);
    assertEquals(isMalformed({ cmd: "connack", returnCode: 0 }), false);
    const bad = [
      { serverKeepAlive: -1 },
      { serverKeepAlive: [10, 10] },
      { receiveMaximum: 0 },
      { receiveMaximum: [1, 2] },
      { maximumPacketSize: 0 },
      { maximumPacketSize: NaN },
    ];
    for (const properties of bad) {
      const packet = { cmd: "connack", reasonCode: 0, properties };
      assertEquals(isMalformed(packet), true, JSON.stringify(properties));
    }
    const good = { receiveMaximum: 20, topicAliasMaximum: 0, retainAvailable: true };
    assertEquals(isMalformed({ cmd: "connack", reasonCode: 0, properties: good }), false);
  },
});

Deno.test({
  name: "properties of a message that a reader could trip over are malformed",
  permissions,
  fn() {
    const isBad = (properties: Record<string, unknown>): boolean =>
      isMalformed({ cmd: "publish", qos: 0, properties });
    assertEquals(isBad({ userProperties: { a: null } }), true);
    assertEquals(isBad({ userProperties: { a: ["1", null] } }), true);
    assertEquals(isBad({ contentType: ["a", "b"] }), true);
    assertEquals(isBad({ subscriptionIdentifier: [3, 0] }), true);
    assertEquals(
      isBad({ userProperties: { a: ["1", "2"] }, subscriptionIdentifier: [3, 4] }),
      false,
    );
  },
});
