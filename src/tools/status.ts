/**
 * The tool `status`.
 *
 * @module
 */

import type { Connection } from "../mqtt/connection.ts";
import type { Entry } from "../mqtt/ledger.ts";
import { toSafeJson } from "../text.ts";
import { presentTopic } from "./messages.ts";
import { type AnyTool, defineTool, type ToolContext, type ToolResult } from "./tool.ts";

const MOST_SUBSCRIPTIONS = 100;
/** Room for everything but the subscriptions. */
const OTHER_CHARS = 1_500;

/** Tells how the connection and the subscriptions stand. */
export const status: AnyTool = defineTool({
  name: "status",
  title: "Connection and subscriptions",
  description:
    "Tell whether the broker is connected, and if not, why; its limits; and the standing " +
    "subscriptions with what waits in them. Asks nothing of the broker, so it works offline.",
  params: {},
  output: {
    connected: { type: "boolean" },
    state: { type: "string", description: "connecting, connected, waiting (to try again), closed" },
    since: { type: "string", description: "When that began, ISO 8601" },
    broker: { type: "string", description: "host:port" },
    transport: { type: "string", description: "mqtt, mqtts, ws or wss" },
    mqtt_version: { type: "string", description: "While connected" },
    limits: { type: "object", description: "The broker's, while connected" },
    read_only: { type: "boolean", description: "True when the operator forbids publishing" },
    subscriptions: {
      type: "array",
      items: {
        type: "object",
        properties: {
          topic: { type: "string" },
          qos: { type: "integer" },
          active: { type: "boolean", description: "False while the broker does not have it" },
          waiting: { type: "integer", description: "Messages for the next subscribe call" },
          dropped: { type: "integer" },
          gaps: { type: "integer" },
        },
        required: ["topic", "qos", "active", "waiting", "dropped", "gaps"],
      },
    },
    more_subscriptions: { type: "integer", description: "Those not listed" },
    last_error: { type: "string", description: "Why it is not connected" },
  },
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  action: () => "tell the status",
  run(_args, context): Promise<ToolResult> {
    const { state, lastError } = context.session;
    const standing = context.subscriptions.standing();
    const listed = listSubscriptions(standing, context.maxResultChars);
    const more = standing.length - listed.length;
    return Promise.resolve({
      connected: state.kind === "connected",
      state: state.kind,
      since: new Date(state.since).toISOString(),
      ...describeBroker(context),
      ...(state.kind === "connected"
        ? {
          mqtt_version: state.connection.version,
          limits: describeLimits(state.connection),
        }
        : {}),
      read_only: context.policy.readOnly,
      subscriptions: listed,
      ...(more > 0 ? { more_subscriptions: more } : {}),
      ...(lastError === undefined ? {} : { last_error: lastError.message }),
    });
  },
});

function describeBroker({ broker }: ToolContext): ToolResult {
  const host = broker.host.includes(":") ? `[${broker.host}]` : broker.host;
  const scheme = broker.transport === "ws" ? "ws" : "mqtt";
  return {
    broker: `${host}:${broker.port}`,
    transport: broker.tls === null ? scheme : `${scheme}s`,
  };
}

function describeLimits({ limits, version }: Connection): ToolResult {
  return {
    maximum_qos: limits.maximumQoS,
    retain: limits.retainAvailable,
    ...(limits.maximumPacketSize === null ? {} : { maximum_packet_size: limits.maximumPacketSize }),
    receive_maximum: limits.receiveMaximum,
    wildcard_subscriptions: limits.wildcardSubscriptions,
    // A 3.1.1 broker does not tell.
    ...(version === "5" ? { shared_subscriptions: limits.sharedSubscriptions } : {}),
  };
}

function listSubscriptions(standing: readonly Entry[], maxChars: number): ToolResult[] {
  const listed: ToolResult[] = [];
  let left = maxChars - OTHER_CHARS;
  for (const entry of standing.slice(0, MOST_SUBSCRIPTIONS)) {
    const described = describeSubscription(entry);
    left -= toSafeJson(described).length + 1;
    if (left < 0) break;
    listed.push(described);
  }
  return listed;
}

function describeSubscription(entry: Entry): ToolResult {
  return {
    ...presentTopic(entry.filter),
    qos: entry.granted ?? entry.qos,
    active: entry.granted !== null,
    waiting: entry.inbox?.pending ?? 0,
    dropped: entry.inbox?.dropped ?? 0,
    gaps: entry.inbox?.gaps.length ?? 0,
  };
}
