/**
 * Tells copies from repetitions when a broker gives no subscription identifiers. For a message that
 * matches several subscriptions of one client, a broker may send one copy or one for each
 * (MQTT-3.3.5-1 and the text before it); a 3.1.1 client is not told which.
 *
 * @module
 */

import { sameBytes } from "../bytes.ts";
import type { InboundMessage } from "./packets.ts";

/** Copies of one message come back to back; two publishes of the same are rarely so close. */
const TOGETHER_MS = 5;
/** So many messages without a copy show a broker that sends one only; then equal ones all count. */
const ENOUGH_EVIDENCE = 3;

/** Watches the live messages of one connection, in the order of arrival. */
export class CopyDetector {
  #last: InboundMessage | undefined;
  /** Copies of the last message that may still come, and how many there may be at most. */
  #left = 0;
  #due = 0;
  /** Whether all of those were surely subscribed. */
  #certain = false;
  #withoutCopy = 0;

  /**
   * True when `message` is one more copy of the message before it.
   *
   * @param subscriptions how many of the client's subscriptions match it
   * @param certain false when one of them may not be in force yet
   */
  isCopy(message: InboundMessage, subscriptions: number, certain = true): boolean {
    if (this.#withoutCopy >= ENOUGH_EVIDENCE) return false;
    if (this.#last !== undefined && this.#left > 0) {
      if (isCopyOf(this.#last, message)) {
        this.#left--;
        return true;
      }
      if (this.#certain && this.#left === this.#due) this.#withoutCopy++;
    }
    this.#last = subscriptions > 1 ? message : undefined;
    this.#due = this.#left = subscriptions - 1;
    this.#certain = certain;
    return false;
  }
}

function isCopyOf(first: InboundMessage, next: InboundMessage): boolean {
  return first.topic === next.topic && next.receivedAt - first.receivedAt <= TOGETHER_MS &&
    sameBytes(first.payload, next.payload);
}
