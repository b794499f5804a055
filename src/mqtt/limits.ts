/**
 * What the broker said in CONNACK that it will not take. MQTT.js ignores these; sending past them
 * is a protocol error that costs the connection (MQTT-3.2.2-11 and its neighbours).
 *
 * @module
 */

import { utf8Length } from "../text.ts";
import { hasWildcard } from "../topic.ts";
import type { MessageProperties, OutboundMessage, QoS } from "./packets.ts";

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
  };
}

/** Fixed header, packet identifier, properties with a subscription identifier, length, options. */
const LARGEST_SUBSCRIBE_OVERHEAD = 5 + 2 + 1 + 5 + 2 + 1;

/**
 * Why the broker would not take this message; null when it would.
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

/**
 * Why the broker would not take a subscription; null when it would.
 *
 * @param subscription `filter` with, `matched` without `$share/group/`
 */
export function subscribeFault(
  limits: BrokerLimits,
  subscription: { readonly filter: string; readonly matched: string; readonly shared: boolean },
): string | null {
  const size = LARGEST_SUBSCRIBE_OVERHEAD + utf8Length(subscription.filter);
  if (limits.maximumPacketSize !== null && size > limits.maximumPacketSize) {
    return `the topic filter is too long for the broker's packets of ${limits.maximumPacketSize} bytes`;
  }
  if (!limits.wildcardSubscriptions && hasWildcard(subscription.matched)) {
    return "the broker does not support wildcards in a topic filter";
  }
  if (!limits.sharedSubscriptions && subscription.shared) {
    return "the broker does not support shared subscriptions";
  }
  return null;
}

/** MQTT 5, section 3.3. */
function publishPacketSize(message: OutboundMessage): number {
  const properties = message.properties === undefined ? 0 : propertiesSize(message.properties);
  const remaining = 2 + utf8Length(message.topic) + (message.qos > 0 ? 2 : 0) +
    varintSize(properties) + properties + message.payload.length;
  return 1 + varintSize(remaining) + remaining;
}

/** Each property is its identifier, one byte, and its value; MQTT 5, section 2.2.2. */
function propertiesSize(properties: MessageProperties): number {
  const { contentType, messageExpiryInterval, responseTopic, correlationData, userProperties } =
    properties;
  const pairs = Object.entries(userProperties ?? {}).flatMap(([name, value]) =>
    [value].flat().map((text) => 1 + 2 + utf8Length(name) + 2 + utf8Length(text))
  );
  return (contentType === undefined ? 0 : 1 + 2 + utf8Length(contentType)) +
    (messageExpiryInterval === undefined ? 0 : 1 + 4) +
    (responseTopic === undefined ? 0 : 1 + 2 + utf8Length(responseTopic)) +
    (correlationData === undefined ? 0 : 1 + 2 + correlationData.length) +
    pairs.reduce((sum, size) => sum + size, 0);
}

function varintSize(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}
