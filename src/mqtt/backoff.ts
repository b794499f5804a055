/**
 * When to try the broker again.
 *
 * @module
 */

import type { MqttSmcpError } from "../errors.ts";

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
const JITTER = 0.2;

/** A connection that lived this many milliseconds was sound: the next wait starts anew. */
export const STABLE_MS = 10_000;
/** A client that is thrown out by its double is not sound until much later. */
const STABLE_AFTER_TAKEOVER_MS = 300_000;

/** The broker will say the same again until somebody changes something. */
const HOPELESS: ReadonlySet<string> = new Set([
  "BAD_CREDENTIALS",
  "NOT_AUTHORIZED",
  "CLIENT_ID_REJECTED",
  "VERSION_NOT_SUPPORTED",
]);

/** Waiting longer within one call will not help either: a call fails at once on these. */
const FAST: ReadonlySet<string> = new Set([
  ...HOPELESS,
  "NETWORK_NOT_PERMITTED",
  "HOST_NOT_FOUND",
  "TLS_UNTRUSTED",
  "TLS_EXPIRED",
  "TLS_WRONG_HOST",
  "TLS_NOT_SPOKEN",
  "TLS_REQUIRED",
  "TLS_CLIENT_CERTIFICATE",
  "TLS_FAILED",
  "WEBSOCKET_REFUSED",
  "PROTOCOL_NOT_SPOKEN",
]);

/** True when a call should report this failure at once and not wait out its own deadline. */
export function failsFast(error: MqttSmcpError): boolean {
  return FAST.has(error.code);
}

/** How soon after a failed attempt a tool call may bring the next one forward, in milliseconds. */
export function nudgeAfterMs(error: MqttSmcpError): number {
  return HOPELESS.has(error.code) ? 10_000 : FIRST_MS;
}

/** Waits that grow from 1 to 60 s, each ±20 %, and shrink again once a connection was sound. */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Milliseconds to wait after an attempt that failed with `error`. */
  afterFailure(error: MqttSmcpError): number {
    const base = HOPELESS.has(error.code) ? LONGEST_MS : FIRST_MS * 2 ** this.#failures;
    this.#failures = Math.min(this.#failures + 1, 10);
    return this.#jittered(Math.min(base, LONGEST_MS));
  }

  /** Milliseconds to wait after a connection that lived `livedMs` and ended with `error`. */
  afterLoss(error: MqttSmcpError, livedMs: number): number {
    const stable = error.code === "CLIENT_ID_TAKEN_OVER" ? STABLE_AFTER_TAKEOVER_MS : STABLE_MS;
    if (livedMs >= stable) this.#failures = 0;
    return this.afterFailure(error);
  }

  #jittered(ms: number): number {
    return Math.round(ms * (1 - JITTER + 2 * JITTER * this.#random()));
  }
}
