/**
 * Parameters, checks and waits that several tools share.
 *
 * @module
 */

import { MqttSmcpError } from "../errors.ts";
import { ANSWER_TIMEOUT_MS } from "../mqtt/desk.ts";
import type { Policy } from "../policy.ts";
import { topicFilterFault, topicNameFault } from "../topic.ts";
import type { Bound } from "../wait.ts";
import type { Param } from "./params.ts";
import { CONNECTION_WAIT_MS, type ToolContext } from "./tool.ts";

/** The QoS parameter; its default is 1. */
export const QOS_PARAM = {
  type: "integer",
  description: "MQTT quality of service: 0 at most once, 1 at least once, 2 exactly once",
  default: 1,
  enum: [0, 1, 2],
} as const satisfies Param;

/** A timeout parameter in seconds. */
export function timeoutParam<const D extends number>(description: string, seconds: D): {
  readonly type: "number";
  readonly description: string;
  readonly default: D;
  readonly minimum: 0;
  readonly maximum: 300;
} {
  return { type: "number", description, default: seconds, minimum: 0, maximum: 300 };
}

/** What bounds a call's talking with the broker: reaching it, and its answer. */
export function callBound(context: ToolContext, extraMs = 0): Bound {
  const ms = CONNECTION_WAIT_MS + ANSWER_TIMEOUT_MS + extraMs;
  return { clock: context.clock, ms, signal: context.signal };
}

/** What bounds a call's waiting for a connection. */
export function connectionBound(context: Pick<ToolContext, "clock" | "signal">): Bound {
  return { clock: context.clock, ms: CONNECTION_WAIT_MS, signal: context.signal };
}

/**
 * @throws {MqttSmcpError} INVALID_TOPIC when it is no topic name; POLICY when the operator forbids
 * publishing to it.
 */
export function checkTopicName(topic: string, policy: Policy): void {
  refuse("INVALID_TOPIC", topicNameFault(topic));
  refuse("POLICY", policy.refusePublish(topic));
}

/**
 * @throws {MqttSmcpError} INVALID_TOPIC when it is no topic filter; POLICY when the operator
 * forbids subscribing to it.
 */
export function checkTopicFilter(filter: string, policy: Policy): void {
  refuse("INVALID_TOPIC", topicFilterFault(filter));
  refuse("POLICY", policy.refuseSubscribe(filter));
}

/** Runs a wait of up to `totalMs` milliseconds, telling the client each second how far it is. */
export async function withProgress<T>(
  context: ToolContext,
  totalMs: number,
  wait: Promise<T>,
): Promise<T> {
  const started = context.clock.now();
  let stop = (): void => {};
  const tick = (): void => {
    stop = context.clock.after(1_000, () => {
      context.progress((context.clock.now() - started) / 1_000, totalMs / 1_000);
      tick();
    });
  };
  tick();
  try {
    return await wait;
  } finally {
    stop();
  }
}

function refuse(code: "INVALID_TOPIC" | "POLICY", fault: string | null): void {
  if (fault === null) return;
  if (code === "POLICY") {
    throw new MqttSmcpError("POLICY", `the operator's access policy forbids it: ${fault}`);
  }
  throw new MqttSmcpError("INVALID_TOPIC", fault);
}
