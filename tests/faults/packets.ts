/**
 * Packets of a broker, valid ones and ones that went through a bad network or a bad programmer.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { encodePacket, type Packet, type WireVersion } from "../support/mqtt_wire.ts";
import type { Random } from "../support/random.ts";

/** A valid packet that a broker may send, with most of what MQTT 5 lets it carry. */
export function brokerPacket(cmd: Packet["cmd"], version: WireVersion, random: Random): Uint8Array {
  return encodePacket(template(cmd, version === 5, random), version);
}

/** The kinds of packet that are sent after CONNACK. */
export const KINDS = [
  "publish",
  "publish",
  "publish",
  "suback",
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "unsuback",
  "pingresp",
  "disconnect",
  "auth",
  "connack",
] as const;

function template(cmd: Packet["cmd"], v5: boolean, random: Random): Packet {
  const messageId = random.int(1, 4);
  const reason = { reasonString: "why", userProperties: { a: "b" } };
  const noted = v5 ? { properties: reason } : {};
  switch (cmd) {
    case "connack":
      return v5
        ? { cmd, sessionPresent: false, reasonCode: 0, properties: connackProperties(random) }
        : { cmd, sessionPresent: false, returnCode: 0 };
    case "publish":
      return publish(v5, random, messageId);
    case "suback":
      return { cmd, messageId, granted: [random.pick([0, 1, 2, 128])], ...noted };
    case "unsuback":
      return { cmd, messageId, granted: [random.pick([0, 17])], ...noted };
    case "puback":
    case "pubrec":
      return { cmd, messageId, ...(v5 ? { reasonCode: random.pick([0, 16, 135]) } : {}), ...noted };
    case "pubrel":
    case "pubcomp":
      return { cmd, messageId, ...(v5 ? { reasonCode: random.pick([0, 146]) } : {}), ...noted };
    case "auth":
    case "disconnect":
      // 3.1.1 knows neither from a broker; the bytes are sent all the same.
      return cmd === "disconnect" && v5
        ? { cmd, reasonCode: random.pick([0x81, 0x8b, 0x8e]), properties: reason }
        : { cmd: "disconnect" };
    default:
      return { cmd: "pingresp" };
  }
}

function publish(v5: boolean, random: Random, messageId: number): Packet {
  const qos = random.pick([0, 1, 2] as const);
  return {
    cmd: "publish",
    topic: random.pick(["a", "a/b", "lamp/état", "$SYS/x", "x".repeat(200)]),
    payload: Buffer.from(random.bytes(random.pick([0, 1, 20, 300]))),
    qos,
    dup: false,
    retain: random.chance(0.3),
    ...(qos > 0 ? { messageId } : {}),
    ...(v5 && random.chance(0.7)
      ? {
        properties: {
          payloadFormatIndicator: random.chance(0.5),
          messageExpiryInterval: 60,
          responseTopic: "answer/here",
          correlationData: Buffer.from("1234"),
          userProperties: { name: "value", list: ["1", "2"], "": "" },
          subscriptionIdentifier: random.int(1, 3),
          contentType: "text/plain",
        },
      }
      : {}),
  };
}

function connackProperties(random: Random) {
  return {
    sessionExpiryInterval: 0,
    receiveMaximum: random.pick([1, 2, 65_535]),
    ...(random.chance(0.5) ? { maximumQoS: random.pick([0, 1]) } : {}),
    retainAvailable: random.chance(0.5),
    maximumPacketSize: random.pick([1, 100, 268_435_455]),
    assignedClientIdentifier: "given",
    topicAliasMaximum: random.pick([0, 10, 65_535]),
    reasonString: "welcome",
    userProperties: { a: "b" },
    wildcardSubscriptionAvailable: random.chance(0.5),
    subscriptionIdentifiersAvailable: random.chance(0.5),
    sharedSubscriptionAvailable: random.chance(0.5),
    serverKeepAlive: random.pick([0, 1, 20, 65_535]),
    responseInformation: "r",
  };
}

/** A packet that is no longer what it was; with a right length in front as often as not. */
export function mutate(packet: Uint8Array, random: Random): Uint8Array {
  const { first, body } = split(packet);
  let head = first;
  let rest = body;
  for (let n = random.int(1, 3); n > 0; n--) {
    if (random.chance(0.1)) head = random.int(0, 255);
    else rest = mutateBytes(rest, random);
  }
  if (random.chance(0.7)) return joined(head, varint(rest.length), rest);
  // The announced length is a lie.
  const lie = random.chance(0.5)
    ? varint(Math.max(0, rest.length + random.int(-4, 4)))
    : random.bytes(random.int(1, 5));
  return joined(head, lie, rest);
}

const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff];

function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.int(0, Math.max(0, bytes.length - 1));
  const to = random.int(at, bytes.length);
  const [before, middle, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, to),
    bytes.subarray(to),
  ];
  switch (random.int(0, 6)) {
    case 0:
      return replaced(bytes, at, (bytes[at] ?? 0) ^ (1 << random.int(0, 7)));
    case 1:
      return replaced(bytes, at, random.pick(EDGES));
    case 2:
      return replaced(bytes, at, random.int(0, 255));
    case 3:
      return before;
    case 4:
      return concat(before, after);
    case 5:
      return concat(before, middle, middle, after);
    default:
      return concat(before, random.bytes(random.int(1, 8)), bytes.subarray(at));
  }
}

function replaced(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

/** The first byte of a packet, and what follows its length. */
export function split(packet: Uint8Array): { first: number; body: Uint8Array } {
  let at = 1;
  while (((packet[at] ?? 0) & 0x80) !== 0) at++;
  return { first: packet[0] ?? 0, body: packet.slice(at + 1) };
}

/** A packet of these parts, with its right length. */
export function assemble(first: number, body: Uint8Array): Uint8Array {
  return joined(first, varint(body.length), body);
}

function joined(first: number, length: Uint8Array, body: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(first), length, body);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  do {
    bytes.push(value > 127 ? (value & 127) | 128 : value);
    value >>= 7;
  } while (value > 0);
  return Uint8Array.from(bytes);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
