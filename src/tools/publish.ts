/**
 * The tool `publish`.
 *
 * @module
 */

import { MqttSmcpError } from "../errors.ts";
import { publishFault } from "../mqtt/limits.ts";
import type { OutboundMessage, QoS } from "../mqtt/packets.ts";
import { reasonName } from "../mqtt/reason_codes.ts";
import { ANSWER_TIMEOUT_MS } from "../mqtt/subscriptions.ts";
import { decodePayload } from "../payload.ts";
import { quote } from "../text.ts";
import { checkTopicName, connectionBound, QOS_PARAM } from "./common.ts";
import { type AnyTool, defineTool, type ToolResult } from "./tool.ts";

const NO_SUBSCRIBERS = 0x10;

/** Publishes one message. */
export const publish: AnyTool = defineTool({
  name: "publish",
  title: "Publish an MQTT message",
  description:
    "Publish a message to an MQTT topic, for example to command a device. Success means " +
    "that the broker acknowledged it (QoS 1 or 2), not that a device acted on it: read the " +
    "device's state topic to know that. Never queued while the broker is out of reach.",
  params: {
    topic: {
      type: "string",
      description: "Topic name to publish to, without wildcards, such as lights/kitchen/set",
      required: true,
    },
    message: { type: "string", description: "Payload, sent as UTF-8 text", required: true },
    retain: {
      type: "boolean",
      description: "Keep the message at the broker as the topic's current value; an empty " +
        "message with retain clears it",
      default: false,
    },
    qos: QOS_PARAM,
  },
  output: {
    topic: { type: "string" },
    retain: { type: "boolean" },
    qos: { type: "integer" },
    note: { type: "string", description: "What else the broker said" },
  },
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: true,
  },
  action: ({ topic }) => `publish to ${quote(topic)}`,
  async run({ topic, message, retain, qos }, context): Promise<ToolResult> {
    checkTopicName(topic, context.policy);
    const outbound: OutboundMessage = {
      topic,
      payload: decodePayload(message, "utf8"),
      qos: qos as QoS,
      retain,
    };
    const connection = await context.connect(connectionBound(context));
    const fault = publishFault(connection.limits, outbound);
    if (fault !== null) throw new MqttSmcpError("BROKER_LIMIT", fault);
    const { reasonCode } = await connection.publish(outbound, {
      clock: context.clock,
      ms: ANSWER_TIMEOUT_MS,
      signal: context.signal,
    });
    if (reasonCode >= 0x80) {
      throw new MqttSmcpError(
        "REFUSED_BY_BROKER",
        `the broker refused it: ${reasonName(reasonCode)}`,
      );
    }
    const note = noteOn(outbound, reasonCode);
    return { topic, retain, qos, ...(note === undefined ? {} : { note }) };
  },
});

function noteOn(message: OutboundMessage, reasonCode: number): string | undefined {
  const notes = [];
  if (reasonCode === NO_SUBSCRIBERS) notes.push("the broker has no matching subscribers");
  if (message.qos === 0) notes.push("sent; the broker does not acknowledge QoS 0");
  if (message.retain && message.payload.length === 0) {
    notes.push("an empty retained message clears the topic's retained value");
  }
  return notes.length === 0 ? undefined : notes.join("; ");
}
