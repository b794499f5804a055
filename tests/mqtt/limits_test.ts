import { assertEquals, assertMatch } from "@std/assert";
import codec from "mqtt-packet";
import { Buffer } from "node:buffer";
import { defaultLimits, publishFault, subscribeFault } from "../../src/mqtt/limits.ts";
import type { OutboundMessage } from "../../src/mqtt/packets.ts";
import { parseFilter } from "../../src/topic.ts";
import { toLibraryProperties, toLimits } from "../../src/mqtt/properties.ts";

const permissions = "none";
const LIMITS = defaultLimits(true);

function outbound(more: Partial<OutboundMessage> = {}): OutboundMessage {
  return { topic: "t", payload: new Uint8Array(), qos: 0, retain: false, ...more };
}

function subscription(filter: string): { filter: string; matched: string; shared: boolean } {
  const { group, filter: matched } = parseFilter(filter);
  return { filter, matched, shared: group !== null };
}

/** Bytes of the packet that really goes out. */
function packetSize(message: OutboundMessage): number {
  const { topic, payload, qos, retain, properties } = message;
  return codec.generate({
    cmd: "publish",
    topic,
    payload: Buffer.from(payload),
    qos,
    retain,
    dup: false,
    messageId: 1,
    ...(properties === undefined ? {} : { properties: toLibraryProperties(properties) }),
  }, { protocolVersion: 5 }).length;
}

Deno.test({
  name: "a broker without limits takes everything",
  permissions,
  fn() {
    const huge = outbound({ qos: 2, retain: true, payload: new Uint8Array(10_000_000) });
    assertEquals(publishFault(LIMITS, huge), null);
    assertEquals(subscribeFault(LIMITS, subscription("$share/g/a/+/#")), null);
  },
});

Deno.test({
  name: "maximum QoS and retain available are kept",
  permissions,
  fn() {
    const atMost0 = { ...LIMITS, maximumQoS: 0 as const };
    assertEquals(publishFault(atMost0, outbound({ qos: 0 })), null);
    assertMatch(publishFault(atMost0, outbound({ qos: 1 })) ?? "", /at most QoS 0/);
    const noRetain = { ...LIMITS, retainAvailable: false };
    assertEquals(publishFault(noRetain, outbound()), null);
    assertMatch(publishFault(noRetain, outbound({ retain: true })) ?? "", /retained/);
  },
});

Deno.test({
  name: "the packet's size is counted to the byte, for every length of the length",
  permissions,
  fn() {
    for (const length of [0, 1, 117, 118, 119, 120, 121, 16_370, 16_373, 16_375, 16_380, 70_000]) {
      for (const qos of [0, 1, 2] as const) {
        for (const topic of ["t", "größe/ü/€/😀"]) {
          const message = outbound({ topic, qos, payload: new Uint8Array(length) });
          const maximumPacketSize = packetSize(message);
          assertEquals(publishFault({ ...LIMITS, maximumPacketSize }, message), null);
          const tooSmall = { ...LIMITS, maximumPacketSize: maximumPacketSize - 1 };
          assertMatch(
            publishFault(tooSmall, message) ?? "",
            new RegExp(`${maximumPacketSize} bytes`),
          );
        }
      }
    }
  },
});

Deno.test({
  name: "properties are counted to the byte as well",
  permissions,
  fn() {
    const message = outbound({
      qos: 1,
      properties: {
        contentType: "text/plain",
        messageExpiryInterval: 60,
        responseTopic: "ä/b",
        correlationData: new Uint8Array(16),
        userProperties: { unit: "°C", more: 'with "quotes"\n' },
      },
    });
    const maximumPacketSize = packetSize(message);
    assertEquals(publishFault({ ...LIMITS, maximumPacketSize }, message), null);
    const tooSmall = { ...LIMITS, maximumPacketSize: maximumPacketSize - 1 };
    assertMatch(publishFault(tooSmall, message) ?? "", /bytes/);
  },
});

Deno.test({
  name: "wildcard and shared subscriptions are refused where the broker has none",
  permissions,
  fn() {
    const noWildcards = { ...LIMITS, wildcardSubscriptions: false };
    assertEquals(subscribeFault(noWildcards, subscription("a/b")), null);
    for (const filter of ["a/+", "#"]) {
      assertMatch(subscribeFault(noWildcards, subscription(filter)) ?? "", /wildcards/);
    }
    const noShared = { ...LIMITS, sharedSubscriptions: false };
    assertEquals(subscribeFault(noShared, subscription("a")), null);
    assertMatch(subscribeFault(noShared, subscription("$share/g/a")) ?? "", /shared/);
  },
});

Deno.test({
  name: "a SUBSCRIBE larger than the broker takes is refused, and one that fits is not",
  permissions,
  fn() {
    const limits = { ...LIMITS, maximumPacketSize: 100 };
    for (let length = 1; length <= 120; length++) {
      const filter = "f".repeat(length);
      const size = codec.generate({
        cmd: "subscribe",
        messageId: 1,
        subscriptions: [{ topic: filter, qos: 1 }],
        properties: { subscriptionIdentifier: 1 },
      }, { protocolVersion: 5 }).length;
      const fault = subscribeFault(limits, subscription(filter));
      if (size > 100) assertMatch(fault ?? "", /100/, `${size} bytes`);
      // The identifier and the packet's length may take some bytes more than here.
      else if (size <= 90) assertEquals(fault, null, `${size} bytes`);
    }
  },
});

Deno.test({
  name: "CONNACK of MQTT 5 gives the limits, and what it leaves out has the standard's default",
  permissions,
  fn() {
    assertEquals(toLimits("5", undefined), LIMITS);
    assertEquals(toLimits("5", {}), LIMITS);
    assertEquals(
      toLimits("5", {
        receiveMaximum: 2,
        maximumQoS: 0,
        retainAvailable: false,
        maximumPacketSize: 100,
        wildcardSubscriptionAvailable: false,
        sharedSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: false,
      }),
      {
        receiveMaximum: 2,
        maximumQoS: 0,
        retainAvailable: false,
        maximumPacketSize: 100,
        wildcardSubscriptions: false,
        sharedSubscriptions: false,
        subscriptionIdentifiers: false,
      },
    );
    assertEquals(toLimits("5", { receiveMaximum: 0 }).receiveMaximum, 1);
    assertEquals(toLimits("3.1.1", { receiveMaximum: 1 }), defaultLimits(false));
  },
});
