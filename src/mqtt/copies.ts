/**
 * Tells copies from repetitions when a broker gives no subscription identifiers. For a message that
 * matches several subscriptions of one client, a broker may send one copy or one for each
 * (MQTT-3.3.5-1 and the text before it); a 3.1.1 client is not told which, and learns it here.
 *
 * What holds: on a broker that is known to send copies, every message is taken once, in whatever
 * turns the copies come. On one that is known to send none, no message is taken for a copy. Until it
 * is known, a message that may be a copy is withheld for a second or until it is known; then it is
 * handed on, later than it came, unless it is a copy. A duplicate is preferred to a loss.
 *
 * What cannot be told: a broker that is not known yet and sends one copy of A A B B, each pair within
 * 100 ms and alone for a second, looks the same as one that sends two copies of A B. After three such
 * pairs, with no message that came once among them, it is taken for one that sends copies.
 *
 * @module
 */

import type { Logged } from "./equal_messages.ts";
import type { InboundMessage } from "./packets.ts";
import { SequenceLog } from "./sequence_log.ts";
import { showsCopies, Withheld } from "./withheld.ts";

/** Copies come within this many milliseconds of each other while the broker is not known. */
const TOGETHER_MS = 100;
/** The same once it is; and a message without any copy for so long has none. */
const LATEST_MS = 1_000;
/** The score at which the broker is known. */
const SURE = 3;

/** Watches the live messages of one connection, in the order of arrival. */
export class CopyDetector {
  readonly #log = new SequenceLog();
  readonly #withheld = new Withheld();
  /** Above 0 the broker seems to send copies, below 0 it seems not to; {@link SURE} is certainty. */
  #score = 0;
  #hasSentCopies = false;

  /**
   * Gives the messages to hand on: this one unless it may be a copy of one that came before, and
   * ahead of it those that were withheld and are to be handed on by now.
   *
   * @param subscriptions the client's subscriptions that match it, by identifier
   * @param certain false when one of them may not bring every message
   */
  admit(
    message: InboundMessage,
    subscriptions: readonly number[],
    certain = true,
  ): InboundMessage[] {
    const late = this.overdue(message.receivedAt);
    if (subscriptions.length < 2 || this.#score === -SURE) return [...late, message];
    const since = this.#score === SURE ? -Infinity : message.receivedAt - TOGETHER_MS;
    const original = this.#log.match(message, subscriptions, since, certain);
    if (original === undefined || this.#score < 0) return [...late, message];
    if (this.#score === SURE || this.#withheld.add(message, original)) return late;
    return [...late, ...this.#withheld.all(), message];
  }

  /**
   * Gives the withheld messages that are to be handed on by now.
   *
   * @param now milliseconds since 1970
   */
  overdue(now: number): InboundMessage[] {
    // Most messages match one subscription, and should cost nothing here.
    if (this.#log.size === 0 && this.#withheld.size === 0) return [];
    for (const gone of this.#log.forget(now - LATEST_MS)) this.#learnFrom(gone);
    return this.#score < 0
      ? this.#withheld.all()
      : this.#withheld.due(now - LATEST_MS, this.#score > 0);
  }

  /** Gives the withheld messages that are not likely copies; for when the connection is lost. */
  close(): InboundMessage[] {
    return this.#withheld.due(Infinity, this.#score > 0);
  }

  /** Learns from a message that can have no further copies, so that no haste can mislead. */
  #learnFrom(gone: Logged): void {
    if (showsCopies(gone)) this.#learn(1);
    else if (gone.teaches && gone.copies === 0) this.#learn(-1);
  }

  #learn(step: 1 | -1): void {
    // For good, on this connection: the log of a broker that sends none would cost, and save nothing.
    if (this.#score === -SURE) return;
    // A broker that was known to send copies may leave some out, and is still no other broker.
    const least = this.#hasSentCopies ? 1 - SURE : -SURE;
    this.#score = Math.max(least, Math.min(SURE, this.#score + step));
    if (this.#score < SURE) return;
    this.#hasSentCopies = true;
    this.#withheld.drop();
  }
}
