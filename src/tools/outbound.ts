/**
 * Making and sending a message, for the tools that publish.
 *
 * @module
 */

import { MqttSmcpError } from "../errors.ts";
import type { Connection } from "../mqtt/connection.ts";
import { publishFault } from "../mqtt/limits.ts";
import type { MessageProperties, OutboundMessage, PublishAck } from "../mqtt/packets.ts";
import { reasonName } from "../mqtt/reason_codes.ts";
import { mqttStringFault, topicNameFault } from "../topic.ts";
import type { Bound } from "../wait.ts";
import type { Arguments, Param } from "./params.ts";

/** How a message's text becomes bytes. */
export const ENCODING_PARAM = {
  type: "string",
  description: "What message is: utf8 text, or base64 of any bytes",
  default: "utf8",
  enum: ["utf8", "base64"],
} as const satisfies Param;

/** The MQTT 5 properties of a message. */
export const PROPERTY_PARAMS = {
  content_type: { type: "string", description: "MQTT 5: content type, such as application/json" },
  message_expiry: {
    type: "integer",
    description: "MQTT 5: seconds after which the broker discards the message",
    minimum: 0,
    maximum: 4_294_967_295,
  },
  response_topic: { type: "string", description: "MQTT 5: topic name for an answer" },
  correlation_data: { type: "string", description: "MQTT 5: text that an answer should repeat" },
  user_properties: {
    type: "string",
    description: 'MQTT 5: user properties as a JSON object of texts, such as {"unit":"C"}',
    json: true,
  },
} as const satisfies Record<string, Param>;

/**
 * The properties that a caller asked for; undefined when it asked for none.
 *
 * @throws {MqttSmcpError} INVALID_ARGUMENT
 */
export function readProperties(
  args: Arguments<typeof PROPERTY_PARAMS>,
): MessageProperties | undefined {
  const { content_type, message_expiry, response_topic, correlation_data, user_properties } = args;
  if (content_type !== undefined) check("content_type", mqttStringFault(content_type));
  if (response_topic !== undefined) check("response_topic", topicNameFault(response_topic));
  if (correlation_data !== undefined) check("correlation_data", mqttStringFault(correlation_data));
  const userProperties = user_properties === undefined ? {} : readUser(user_properties);
  const properties: MessageProperties = {
    ...(content_type === undefined ? {} : { contentType: content_type }),
    ...(message_expiry === undefined ? {} : { messageExpiryInterval: message_expiry }),
    ...(response_topic === undefined ? {} : { responseTopic: response_topic }),
    ...(correlation_data === undefined
      ? {}
      : { correlationData: new TextEncoder().encode(correlation_data) }),
    // MQTT.js silently never sends a packet with an empty set of them.
    ...(Object.keys(userProperties).length === 0 ? {} : { userProperties }),
  };
  return Object.keys(properties).length === 0 ? undefined : properties;
}

/**
 * Checks that a connection can carry a message, before anything is sent.
 *
 * @throws {MqttSmcpError} NOT_SUPPORTED or BROKER_LIMIT
 */
export function checkSendable(connection: Connection, message: OutboundMessage): void {
  if (message.properties !== undefined && connection.version !== "5") {
    const names = Object.keys(message.properties).map(paramName);
    throw new MqttSmcpError(
      "NOT_SUPPORTED",
      `${names.join(", ")} ${names.length === 1 ? "needs" : "need"} MQTT 5, and the connection ` +
        "to this broker speaks MQTT 3.1.1",
    );
  }
  const fault = publishFault(connection.limits, message);
  if (fault !== null) throw new MqttSmcpError("BROKER_LIMIT", fault);
}

/**
 * Sends a message over a connection and judges the acknowledgement; gives its reason code.
 *
 * @throws {MqttSmcpError} as {@link checkSendable}, or BUSY, when nothing was sent;
 * REFUSED_BY_BROKER; OUTCOME_UNKNOWN; CANCELLED.
 */
export async function send(
  connection: Connection,
  message: OutboundMessage,
  bound: Bound,
): Promise<PublishAck> {
  checkSendable(connection, message);
  const ack = await connection.publish(message, bound);
  if (ack.reasonCode >= 0x80) {
    throw new MqttSmcpError(
      "REFUSED_BY_BROKER",
      `the broker refused it: ${reasonName(ack.reasonCode)}`,
    );
  }
  return ack;
}

const PARAM_NAMES: Readonly<Record<keyof MessageProperties, string>> = {
  contentType: "content_type",
  messageExpiryInterval: "message_expiry",
  responseTopic: "response_topic",
  correlationData: "correlation_data",
  userProperties: "user_properties",
};

function paramName(property: string): string {
  return PARAM_NAMES[property as keyof MessageProperties];
}

function readUser(json: string): Record<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("user_properties must be a JSON object of texts");
  }
  const properties: [string, string][] = Object.entries(value).map(([name, text]) => {
    const shown = typeof text === "number" || typeof text === "boolean" ? String(text) : text;
    if (typeof shown !== "string") throw invalid("each value of user_properties must be a text");
    check("user_properties", mqttStringFault(name) ?? mqttStringFault(shown));
    return [name, shown];
  });
  return Object.fromEntries(properties);
}

function check(name: string, fault: string | null): void {
  if (fault !== null) throw invalid(`${name}: ${fault}`);
}

function invalid(message: string): MqttSmcpError {
  return new MqttSmcpError("INVALID_ARGUMENT", message);
}
