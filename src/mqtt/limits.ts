/**
 * What the broker said in CONNACK that it will not take. MQTT.js ignores these; sending past them
 * is a protocol error that costs the connection (MQTT-3.2.2-11 and its neighbours).
 *
 * @module
 */

import type { OutboundMessage, QoS } from "./packets.ts";

/** The broker's limits; the defaults are those of a CONNACK that names none. */
export interface BrokerLimits {
  readonly maximumQoS: QoS;
  readonly retainAvailable: boolean;
  /** Largest packet in bytes; null when the broker gave no limit. */
  readonly maximumPacketSize: number | null;
  /** QoS 1 and 2 publishes that may be unacknowledged at once. */
  readonly receiveMaximum: number;
  readonly wildcardSubscriptions: boolean;
  readonly sharedSubscriptions: boolean;
  readonly subscriptionIdentifiers: boolean;
  /** The keep alive in seconds that the broker asks for instead of ours; null when it does not. */
  readonly serverKeepAlive: number | null;
}

/** The limits of a broker that states none; 3.1.1 knows no subscription identifiers. */
export function defaultLimits(subscriptionIdentifiers: boolean): BrokerLimits {
  return {
    maximumQoS: 2,
    retainAvailable: true,
    maximumPacketSize: null,
    receiveMaximum: 65_535,
    wildcardSubscriptions: true,
    sharedSubscriptions: true,
    subscriptionIdentifiers,
    serverKeepAlive: null,
  };
}

const utf8 = new TextEncoder();

/**
 * Why the broker would not take this message; null when it would.
 *
 * The size is exact but for `properties`, which are counted at their text's length and 8 bytes each.
 */
export function publishFault(limits: BrokerLimits, message: OutboundMessage): string | null {
  if (message.qos > limits.maximumQoS) {
    return `the broker takes at most QoS ${limits.maximumQoS}`;
  }
  if (message.retain && !limits.retainAvailable) {
    return "the broker does not support retained messages";
  }
  if (limits.maximumPacketSize !== null) {
    const size = publishPacketSize(message);
    if (size > limits.maximumPacketSize) {
      return `the packet would be ${size} bytes, and the broker takes at most ` +
        `${limits.maximumPacketSize}`;
    }
  }
  return null;
}

/** Why the broker would not take a subscription to `filter`; null when it would. */
export function subscribeFault(
  limits: BrokerLimits,
  subscription: { readonly filter: string; readonly shared: boolean },
): string | null {
  if (!limits.wildcardSubscriptions && /[+#]/.test(subscription.filter)) {
    return "the broker does not support wildcards in a topic filter";
  }
  if (!limits.sharedSubscriptions && subscription.shared) {
    return "the broker does not support shared subscriptions";
  }
  return null;
}

function publishPacketSize(message: OutboundMessage): number {
  let remaining = 2 + utf8.encode(message.topic).length + message.payload.length;
  if (message.qos > 0) remaining += 2;
  // An MQTT 5 PUBLISH always has a property length, even when it is zero (MQTT 5, 3.3.2.3.1).
  remaining += 1 + propertiesSize(message);
  return 1 + varintSize(remaining) + remaining;
}

function propertiesSize(message: OutboundMessage): number {
  const properties = message.properties;
  if (properties === undefined) return 0;
  return utf8.encode(JSON.stringify(properties)).length + 8 * Object.keys(properties).length;
}

function varintSize(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}
