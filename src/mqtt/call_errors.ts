/**
 * The errors of calls on a connection.
 *
 * @module
 */

import { MqttSmcpError } from "../errors.ts";
import type { QoS } from "./packets.ts";

/** A broker that closes within this many milliseconds of a message may do so because of it. */
const SOON_MS = 1_000;

/**
 * A publish of which nobody can tell whether the broker has it.
 *
 * @param hint beside the one to look at the effect
 */
export function outcomeUnknown(why: string, hint = ""): MqttSmcpError {
  return new MqttSmcpError(
    "OUTCOME_UNKNOWN",
    `the outcome is unknown: ${why}. The broker may or may not have the message; ` +
      "it will not be sent again",
    `Check the effect (for example with get_retained or subscribe) before publishing again.${hint}`,
  );
}

function isSoonByBroker({ code }: MqttSmcpError, afterMs: number): boolean {
  return afterMs <= SOON_MS && (code === "CONNECTION_CLOSED" || code === "BROKER_DISCONNECTED");
}

/**
 * The cause of a connection's end, for a SUBSCRIBE that was not answered before it.
 *
 * @param afterMs milliseconds from the SUBSCRIBE to the end
 */
export function subscribeCutOff(cause: MqttSmcpError, afterMs: number): MqttSmcpError {
  if (!isSoonByBroker(cause, afterMs)) return cause;
  return new MqttSmcpError(
    cause.code,
    cause.message,
    "The broker closed the connection right after SUBSCRIBE: if it does so again, it may not take " +
      "this topic filter.",
  );
}

/**
 * The outcome of a publish in flight when the connection ended.
 *
 * @param afterMs milliseconds from the publish to the end
 * @param qos of the publish
 */
export function outcomeCutOff(cause: MqttSmcpError, afterMs: number, qos: QoS): MqttSmcpError {
  return outcomeUnknown(
    cause.message,
    isSoonByBroker(cause, afterMs)
      ? " The broker closed the connection right after this message: if it does so again, it may " +
        `not take ${qos === 2 ? "QoS 2, or " : ""}this topic name.`
      : "",
  );
}

/** The server is about to end. */
export function closing(): MqttSmcpError {
  return new MqttSmcpError("CLOSING", "the server is closing");
}

/** An answer that did not come in time. */
export function silent(packet: string): MqttSmcpError {
  return new MqttSmcpError("TIMEOUT", `the broker did not send ${packet} in time`);
}

/** A topic filter that no subscribe call made stand. */
export function noSubscription(): MqttSmcpError {
  return new MqttSmcpError(
    "NO_SUBSCRIPTION",
    "there is no standing subscription to this topic filter",
    "A subscription is made by the subscribe tool and named by the same topic filter.",
  );
}
