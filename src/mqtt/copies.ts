/**
 * Tells copies from repetitions when a broker gives no subscription identifiers. For a message that
 * matches several subscriptions of one client, a broker may send one copy or one for each
 * (MQTT-3.3.5-1 and the text before it); a 3.1.1 client is not told which, and learns it here.
 *
 * What holds: on a broker that sends copies, every message is taken once, in whatever turns the
 * copies come. On one that sends none, no message is taken for a copy once that is known; what was
 * before is given out then. Where equal messages follow each other closely, one may be given out
 * later than it came.
 *
 * @module
 */

import type { InboundMessage } from "./packets.ts";
import { type Logged, SequenceLog } from "./sequence_log.ts";

/** Copies come within this many milliseconds of each other while the broker is not known. */
const TOGETHER_MS = 100;
/** The same once it is; and a message without any copy for so long has none. */
const LATEST_MS = 1_000;
/** The score at which the broker is known. */
const SURE = 3;
/** So many messages that may have been no copies are kept until the broker is known. */
const MOST_DOUBTFUL = 100;

/** Watches the live messages of one connection, in the order of arrival. */
export class CopyDetector {
  readonly #log = new SequenceLog();
  /** Above 0 the broker seems to send copies, below 0 it seems not to; {@link SURE} is certainty. */
  #score = 0;
  #hasSentCopies = false;
  #lastCopied: Logged | undefined;
  #doubtful: InboundMessage[] = [];

  /**
   * Gives the messages to hand on: this one unless it is a copy of one that came before, and ahead of
   * it those that were wrongly taken for copies.
   *
   * @param subscriptions the client's subscriptions that match it, by identifier
   * @param certain false when one of them may not bring every message
   */
  admit(
    message: InboundMessage,
    subscriptions: readonly number[],
    certain = true,
  ): InboundMessage[] {
    if (subscriptions.length < 2 || this.#score === -SURE) return [message];
    for (const gone of this.#log.forget(message.receivedAt - LATEST_MS)) {
      if (gone.copies === 0 && gone.certain) this.#learn(-1);
    }
    const since = this.#score === SURE ? -Infinity : message.receivedAt - TOGETHER_MS;
    const original = this.#log.match(message, subscriptions, since, certain);
    if (original !== undefined) {
      if (original.copies === subscriptions.length - 1) this.#copied(original);
      if (this.#score >= 0) {
        if (this.#score < SURE && this.#doubtful.length < MOST_DOUBTFUL) {
          this.#doubtful.push(message);
        }
        return [];
      }
    }
    const late = this.#score < 0 ? this.#doubtful.splice(0) : [];
    return [...late, message];
  }

  #copied(original: Logged): void {
    // Somebody who repeats one message shows nothing of the broker.
    if (this.#lastCopied?.value !== original.value) this.#learn(1);
    this.#lastCopied = original;
  }

  #learn(step: 1 | -1): void {
    if (this.#score === -SURE) return;
    // A broker that was known to send copies may leave some out, and is still no other broker.
    const least = this.#hasSentCopies ? 1 - SURE : -SURE;
    this.#score = Math.max(least, Math.min(SURE, this.#score + step));
    if (this.#score < SURE) return;
    this.#hasSentCopies = true;
    this.#doubtful = [];
  }
}
