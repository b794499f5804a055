/**
 * What crosses the border between this program and the MQTT library, in our own words.
 *
 * @module
 */

/** Quality of service, MQTT-4.3. */
export type QoS = 0 | 1 | 2;

/** The protocol versions spoken here. */
export type ProtocolVersion = "5" | "3.1.1";

/** The MQTT 5 properties of a PUBLISH that an application sees. */
export interface MessageProperties {
  readonly contentType?: string;
  readonly messageExpiryInterval?: number;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>;
}

/** A message as the broker delivered it. */
export interface InboundMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** True for a stored copy sent because of a SUBSCRIBE, MQTT-3.3.1-8. */
  readonly retain: boolean;
  /** Milliseconds since 1970 at arrival. */
  readonly receivedAt: number;
  readonly properties?: MessageProperties;
  /** The subscriptions that caused it, when the broker tells (MQTT-3.3.4-3); else empty. */
  readonly subscriptionIds: readonly number[];
}

/** A message to send. */
export interface OutboundMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties?: MessageProperties;
}

/** The broker's answer to a PUBLISH of QoS 1 or 2: 0 is success, 16 means nobody subscribes. */
export interface PublishAck {
  readonly reasonCode: number;
  /** At which the broker took it: 1 where it answers QoS 2 by PUBACK. */
  readonly qos: QoS;
}

/** How a SUBSCRIBE is sent. */
export interface SubscribeRequest {
  readonly filter: string;
  readonly qos: QoS;
  /** Subscription Identifier, sent under MQTT 5 to a broker that supports it. */
  readonly id: number;
  /** False asks an MQTT 5 broker not to send retained messages. @default true */
  readonly wantRetained?: boolean;
}
