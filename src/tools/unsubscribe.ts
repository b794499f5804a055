/**
 * The tool `unsubscribe`.
 *
 * @module
 */

import { quote } from "../text.ts";
import { callBound } from "./common.ts";
import { presentTopic } from "./messages.ts";
import { type AnyTool, defineTool, type ToolResult } from "./tool.ts";

/** Ends a standing subscription. */
export const unsubscribe: AnyTool = defineTool({
  name: "unsubscribe",
  title: "End an MQTT subscription",
  description: "End a subscription that the subscribe tool made. Messages that no call has " +
    "returned yet are discarded and counted.",
  params: {
    topic: {
      type: "string",
      description: "The topic filter, exactly as it was given to subscribe",
      required: true,
    },
  },
  output: {
    topic: { type: "string" },
    discarded: { type: "integer", description: "Messages that no call had returned" },
  },
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: true,
  },
  action: ({ topic }) => `unsubscribe from ${quote(topic)}`,
  async run({ topic }, context): Promise<ToolResult> {
    const { discarded } = await context.subscriptions.drop(topic, callBound(context));
    return { ...presentTopic(topic), ...(discarded === 0 ? {} : { discarded }) };
  },
});
