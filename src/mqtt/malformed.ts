/**
 * What the library's parser lets pass although MQTT does not allow it. Handed on, such packets make
 * the library throw where nobody can catch it, or carry values that nothing here expects.
 *
 * @module
 */

/** The parts of a received packet, of any kind, that are looked at here. */
export interface SeenPacket {
  cmd: string;
  readonly qos?: number;
  readonly messageId?: number;
  readonly reasonCode?: number;
  readonly returnCode?: number;
  readonly payload?: { readonly length: number };
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Packets that carry a packet identifier, which is never 0 (MQTT-2.2.1-2, MQTT-2.2.1-3). */
const IDENTIFIED: ReadonlySet<string> = new Set([
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "suback",
  "unsuback",
]);

/** Properties that are 0 only by mistake (MQTT 5, sections 3.2.2.3.3 and 3.2.2.3.6, and 3.3.2.3.8). */
const NEVER_ZERO: ReadonlySet<string> = new Set([
  "receiveMaximum",
  "maximumPacketSize",
  "subscriptionIdentifier",
]);

/** Whether a packet breaks a rule that the library relies on without checking it. */
export function isMalformed(packet: SeenPacket): boolean {
  const { cmd, qos, messageId, reasonCode, returnCode, properties } = packet;
  if (cmd === "connack" && typeof (reasonCode ?? returnCode) !== "number") return true;
  if (IDENTIFIED.has(cmd) || (cmd === "publish" && qos !== 0)) {
    if (!isIntegerFrom(1, messageId) || messageId > 65_535) return true;
  }
  return Object.entries(properties ?? {}).some(([name, value]) => !isProperty(name, value));
}

function isProperty(name: string, value: unknown): boolean {
  if (name === "userProperties") {
    return Object.values(value ?? {}).every((texts) =>
      [texts].flat().every((text: unknown) => typeof text === "string")
    );
  }
  // Only these two may come more than once; more of any other is a protocol error.
  if (Array.isArray(value)) {
    return name === "subscriptionIdentifier" && value.every((id) => isIntegerFrom(1, id));
  }
  return typeof value !== "number" || isIntegerFrom(NEVER_ZERO.has(name) ? 1 : 0, value);
}

function isIntegerFrom(least: number, value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= least;
}
