/**
 * The tool `publish`.
 *
 * @module
 */

import { MqttSmcpError } from "../errors.ts";
import type { InboundMessage, OutboundMessage, PublishAck, QoS } from "../mqtt/packets.ts";
import { ANSWER_TIMEOUT_MS } from "../mqtt/desk.ts";
import { decodePayload } from "../payload.ts";
import { quote } from "../text.ts";
import { callBound, checkTopicName, connectionBound, isReadable, QOS_PARAM } from "./common.ts";
import { fitMessages, MESSAGE_SCHEMA, presentTopic } from "./messages.ts";
import {
  checkSendable,
  ENCODING_PARAM,
  PROPERTY_PARAMS,
  readProperties,
  send,
} from "./outbound.ts";
import { type AnyTool, defineTool, type ToolContext, type ToolResult } from "./tool.ts";

const NO_SUBSCRIBERS = 0x10;

/** Milliseconds that looking up the value to be replaced may delay a retained publish. */
const LOOK_UP_MS = 250;

/** Publishes one message. */
export const publish: AnyTool = defineTool({
  name: "publish",
  title: "Publish an MQTT message",
  description:
    "Publish a message to an MQTT topic, for example to command a device. Success means " +
    "that the broker acknowledged it (QoS 1 or 2), not that a device acted on it: read the " +
    "device's state topic to know that, or use request. Never queued while the broker is out of " +
    "reach.",
  params: {
    topic: {
      type: "string",
      description: "Topic name to publish to, without wildcards, such as lights/kitchen/set",
      required: true,
    },
    message: { type: "string", description: "Payload", required: true },
    retain: {
      type: "boolean",
      description: "Keep the message at the broker as the topic's current value; an empty " +
        "message with retain clears it",
      default: false,
    },
    qos: QOS_PARAM,
    encoding: ENCODING_PARAM,
    ...PROPERTY_PARAMS,
  },
  output: {
    topic: { type: "string" },
    retain: { type: "boolean" },
    qos: { type: "integer", description: "At which the broker took it" },
    replaced: {
      ...MESSAGE_SCHEMA,
      description: "With retain: the stored value that this one replaced, if there was one",
    },
    note: { type: "string", description: "What else is known of the outcome" },
  },
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: true,
  },
  action: ({ topic }) => `publish to ${quote(topic)}`,
  async run(args, context): Promise<ToolResult> {
    const { topic, message, retain, qos, encoding } = args;
    checkTopicName(topic, context.policy);
    const properties = readProperties(args);
    checkResponseTopic(args.response_topic, context);
    const outbound: OutboundMessage = {
      topic,
      payload: decodePayload(message, encoding === "base64" ? "base64" : "utf8"),
      qos: qos as QoS,
      retain,
      ...(properties === undefined ? {} : { properties }),
    };
    const connection = await context.connect(connectionBound(context));
    checkSendable(connection, outbound);
    const replaced = retain ? await lookUp(topic, context) : undefined;
    const bound = { clock: context.clock, ms: ANSWER_TIMEOUT_MS, signal: context.signal };
    const ack = await send(connection, outbound, bound);
    const note = noteOn(outbound, ack);
    return {
      ...presentTopic(topic),
      retain,
      qos: ack.qos,
      ...(replaced === undefined ? {} : {
        replaced: fitMessages([replaced], context.maxResultChars, presentTopic(topic)).messages[0],
      }),
      ...(note === undefined ? {} : { note }),
    };
  },
});

/** Whoever answers publishes there on the agent's behalf, where it may not be allowed to itself. */
function checkResponseTopic(topic: string | undefined, { policy }: ToolContext): void {
  const refusal = topic === undefined ? null : policy.refusePublish(topic);
  if (refusal === null) return;
  throw new MqttSmcpError(
    "POLICY",
    `the operator's access policy forbids this response_topic: ${refusal}`,
  );
}

/** The retained value of a topic, when it may be read and comes quickly. */
async function lookUp(topic: string, context: ToolContext): Promise<InboundMessage | undefined> {
  if (!isReadable(topic) || context.policy.refuseSubscribe(topic) !== null) return undefined;
  try {
    const bound = { ...callBound(context), ms: 2 * LOOK_UP_MS };
    const found = await context.subscriptions.retained(topic, LOOK_UP_MS, context.connect, bound);
    return found.messages[0];
  } catch {
    // A broker may allow publishing and not subscribing; the publish itself will tell of the rest.
    return undefined;
  }
}

function noteOn(message: OutboundMessage, { reasonCode, qos }: PublishAck): string | undefined {
  const notes = [];
  if (qos < message.qos) notes.push("the broker took it as QoS 1: it may arrive more than once");
  if (reasonCode === NO_SUBSCRIBERS) notes.push("the broker has no matching subscribers");
  if (message.qos === 0) notes.push("sent; the broker does not acknowledge QoS 0");
  if (message.retain && message.payload.length === 0) {
    notes.push("an empty retained message clears the topic's retained value");
  }
  return notes.length === 0 ? undefined : notes.join("; ");
}
