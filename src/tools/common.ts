/**
 * Parameters, checks and waits that several tools share.
 *
 * @module
 */

import { MqttSmcpError } from "../errors.ts";
import { ANSWER_TIMEOUT_MS } from "../mqtt/desk.ts";
import { CONNECTION_WAIT_MS } from "../mqtt/session.ts";
import type { Policy } from "../policy.ts";
import { isExactTopic, parseFilter, topicFilterFault, topicNameFault } from "../topic.ts";
import type { Bound } from "../wait.ts";
import type { Param } from "./params.ts";
import type { ToolContext } from "./tool.ts";

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
  refuse("INVALID_TOPIC", "it", topicNameFault(topic));
  refuse("POLICY", "it", policy.refusePublish(topic));
}

/**
 * @throws {MqttSmcpError} INVALID_TOPIC when it is no topic filter; POLICY when the operator
 * forbids subscribing to it.
 * @param what how the message names it, where it is not what the call is about
 */
export function checkTopicFilter(filter: string, policy: Policy, what = "it"): void {
  refuse("INVALID_TOPIC", what, topicFilterFault(filter));
  refuse("POLICY", what, policy.refuseSubscribe(filter));
}

/**
 * @throws {MqttSmcpError} INVALID_TOPIC for a shared subscription: it brings no stored messages, and
 * would take live ones away from the group (MQTT 5, 4.8.2).
 */
export function refuseShared(filter: string): void {
  if (parseFilter(filter).group === null) return;
  throw new MqttSmcpError(
    "INVALID_TOPIC",
    "a shared subscription gets no retained messages, and would take messages from its group",
    "Give the topic filter without $share and the group.",
  );
}

/** Said where a wildcard brought no stored value: some brokers never send any for one. */
export const NO_STORED_VALUE = "no stored value came: some brokers do not send those for a " +
  "wildcard; ask for one exact topic";

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

/**
 * Whether a topic name can be read by subscribing to it: as a topic filter, a name that begins with
 * `$share/` means something else.
 */
export function isReadable(topic: string): boolean {
  return isExactTopic(topic) && topicFilterFault(topic) === null;
}

function refuse(code: "INVALID_TOPIC" | "POLICY", what: string, fault: string | null): void {
  if (fault === null) return;
  if (code === "POLICY") {
    fault = `the operator's access policy forbids it: ${fault}`;
  }
  throw new MqttSmcpError(code, what === "it" ? fault : `${what}: ${fault}`);
}
