/**
 * Between the library's packets and ours.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type BrokerLimits, defaultLimits } from "./limits.ts";
import type {
  InboundMessage,
  MessageProperties,
  ProtocolVersion,
  QoS,
  SubscribeRequest,
} from "./packets.ts";

/** The parts of a received PUBLISH, as the library gives it, that are used here. */
export interface LibraryPublish {
  readonly payload: Uint8Array | string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties?: {
    readonly contentType?: string;
    readonly messageExpiryInterval?: number;
    readonly responseTopic?: string;
    readonly correlationData?: Uint8Array;
    readonly userProperties?: object;
    readonly subscriptionIdentifier?: number | number[];
  };
}

/** The properties of a CONNACK, as the library gives it, that are used here. */
export interface LibraryConnack {
  readonly receiveMaximum?: number;
  readonly maximumQoS?: number;
  readonly retainAvailable?: boolean;
  readonly maximumPacketSize?: number;
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifiersAvailable?: boolean;
}

const NO_IDS: readonly number[] = [];
const utf8 = new TextEncoder();

/** A received message in our own words. */
export function toInbound(
  topic: string,
  packet: LibraryPublish,
  receivedAt: number,
): InboundMessage {
  const { payload, qos, retain, properties } = packet;
  const message = {
    topic,
    payload: typeof payload === "string" ? utf8.encode(payload) : ownBytes(payload),
    qos,
    retain,
    receivedAt,
    subscriptionIds: subscriptionIds(properties?.subscriptionIdentifier),
  };
  const visible = properties === undefined ? undefined : visibleProperties(properties);
  return visible === undefined ? message : { ...message, properties: visible };
}

/** How a SUBSCRIBE goes to the library. */
export function toSubscribeOptions(
  { qos, id, wantRetained = true }: SubscribeRequest,
  version: ProtocolVersion,
  { subscriptionIdentifiers }: BrokerLimits,
): { qos: QoS; rh?: number; properties?: { subscriptionIdentifier: number } } {
  if (version !== "5") return { qos };
  const properties = { subscriptionIdentifier: id };
  return { qos, rh: wantRetained ? 0 : 2, ...(subscriptionIdentifiers ? { properties } : {}) };
}

/** The limits that a CONNACK states, with the standard's defaults for what it leaves out. */
export function toLimits(
  version: ProtocolVersion,
  connack: LibraryConnack | undefined,
): BrokerLimits {
  const defaults = defaultLimits(version === "5");
  if (version !== "5" || connack === undefined) return defaults;
  return {
    maximumQoS: connack.maximumQoS === 0 || connack.maximumQoS === 1
      ? connack.maximumQoS
      : defaults.maximumQoS,
    retainAvailable: connack.retainAvailable ?? defaults.retainAvailable,
    maximumPacketSize: connack.maximumPacketSize ?? defaults.maximumPacketSize,
    receiveMaximum: Math.max(1, connack.receiveMaximum ?? defaults.receiveMaximum),
    wildcardSubscriptions: connack.wildcardSubscriptionAvailable ?? defaults.wildcardSubscriptions,
    sharedSubscriptions: connack.sharedSubscriptionAvailable ?? defaults.sharedSubscriptions,
    subscriptionIdentifiers: connack.subscriptionIdentifiersAvailable ??
      defaults.subscriptionIdentifiers,
  };
}

/** Our properties as the library wants them: it takes byte strings as Buffer only. */
export function toLibraryProperties(properties: MessageProperties): Record<string, unknown> {
  const { correlationData, ...rest } = properties;
  if (correlationData === undefined) return rest;
  const { buffer, byteOffset, byteLength } = correlationData;
  return { ...rest, correlationData: Buffer.from(buffer, byteOffset, byteLength) };
}

/** A small payload is a view of a large read buffer, which it would keep alive in an inbox. */
function ownBytes(payload: Uint8Array): Uint8Array {
  const isWasteful = payload.buffer.byteLength > 2 * payload.length + 1_024;
  return isWasteful ? new Uint8Array(payload) : payload;
}

function subscriptionIds(value: number | number[] | undefined): readonly number[] {
  if (value === undefined) return NO_IDS;
  return Array.isArray(value) ? [...new Set(value)] : [value];
}

function visibleProperties(
  properties: NonNullable<LibraryPublish["properties"]>,
): MessageProperties | undefined {
  const { contentType, messageExpiryInterval, responseTopic, correlationData, userProperties } =
    properties;
  // A property that comes twice is a protocol error, and an array here: not what a reader expects.
  const visible: MessageProperties = {
    ...(typeof contentType === "string" ? { contentType } : {}),
    ...(typeof messageExpiryInterval === "number" ? { messageExpiryInterval } : {}),
    ...(typeof responseTopic === "string" ? { responseTopic } : {}),
    ...(correlationData instanceof Uint8Array ? { correlationData } : {}),
    ...(userProperties === undefined ? {} : {
      userProperties: { ...userProperties } as Record<string, string | string[]>,
    }),
  };
  return Object.keys(visible).length === 0 ? undefined : visible;
}
