/**
 * The errors of calls on a connection.
 *
 * @module
 */

import { MqttSmcpError } from "../errors.ts";

/** A publish of which nobody can tell whether the broker has it. */
export function outcomeUnknown(why: string): MqttSmcpError {
  return new MqttSmcpError(
    "OUTCOME_UNKNOWN",
    `the outcome is unknown: ${why}. The broker may or may not have the message; ` +
      "it will not be sent again",
    "Check the effect (for example with get_retained or subscribe) before publishing again.",
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
