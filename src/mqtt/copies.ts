/**
 * Tells copies from repetitions when a broker gives no subscription identifiers. For a message that
 * matches several subscriptions of one client, a broker may send one copy or one for each
 * (MQTT-3.3.5-1 and the text before it); a 3.1.1 client is not told which.
 *
 * A broker that sends one for each sends, for each subscription, every message in order. So what comes
 * is the same sequence k times over, interleaved in some way: back to back, or batch by batch. The
 * first to arrive is the log; the other k-1 each have a place in it up to which they have repeated it.
 *
 * @module
 */

import { sameBytes } from "../bytes.ts";
import type { InboundMessage } from "./packets.ts";

/** Copies come within this many milliseconds of each other while the broker is not known. */
const TOGETHER_MS = 100;
/** The same for a broker that is known to send copies. */
const TOGETHER_ON_COPYING_BROKER_MS = 2_000;
/** So many messages whose copies all came, or did not, show what the broker does. */
const ENOUGH_EVIDENCE = 3;
/** Messages that one log holds; of more, the oldest no longer have copies. */
const LONGEST_LOG = 10_000;

/** Watches the live messages of one connection, in the order of arrival. */
export class CopyDetector {
  readonly #logs = new Map<string, CopyLog>();
  #copied = 0;
  #single = 0;

  /**
   * True when `message` is one more copy of one that came before.
   *
   * @param subscriptions the client's subscriptions that match it, by identifier
   * @param certain false when one of them may not be in force yet
   */
  isCopy(message: InboundMessage, subscriptions: readonly number[], certain = true): boolean {
    if (subscriptions.length < 2 || this.#single >= ENOUGH_EVIDENCE) return false;
    const key = subscriptions.join();
    let log = this.#logs.get(key);
    if (log === undefined) {
      log = new CopyLog(subscriptions.length - 1);
      this.#logs.set(key, log);
    }
    const isCopying = this.#copied >= ENOUGH_EVIDENCE;
    const age = isCopying ? TOGETHER_ON_COPYING_BROKER_MS : TOGETHER_MS;
    for (const { copies, certain: counts } of log.forget(message.receivedAt - age)) {
      if (copies === subscriptions.length - 1) this.#copied++;
      else if (copies === 0 && counts && !isCopying) this.#single++;
    }
    return log.isCopy(message, certain);
  }
}

interface Logged {
  readonly message: InboundMessage;
  readonly certain: boolean;
  copies: number;
}

/** The messages under one set of filters, and how far each repetition of them has come. */
class CopyLog {
  #entries: Logged[] = [];
  /** For each repetition, the index of the entry that it repeats next. */
  readonly #next: number[];

  constructor(repetitions: number) {
    this.#next = new Array(repetitions).fill(0);
  }

  isCopy(message: InboundMessage, certain: boolean): boolean {
    for (const [repetition, from] of this.#next.entries()) {
      const index = this.#find(message, from);
      const entry = this.#entries[index];
      if (entry === undefined) continue;
      entry.copies++;
      this.#next[repetition] = index + 1;
      return true;
    }
    this.#entries.push({ message, certain, copies: 0 });
    return false;
  }

  /** The index of the entry that `message` repeats, from where its repetition has come to; or -1. */
  #find(message: InboundMessage, from: number): number {
    for (let index = from; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry === undefined || isSame(entry.message, message)) return index;
      // Only what came before a subscription was in force may be left out of its sequence.
      if (entry.certain) return -1;
    }
    return -1;
  }

  /** Takes out and gives the entries from before `time`, and those past the bound. */
  forget(time: number): Logged[] {
    let count = Math.max(0, this.#entries.length - LONGEST_LOG);
    while ((this.#entries[count]?.message.receivedAt ?? Infinity) < time) count++;
    if (count === 0) return [];
    const gone = this.#entries.slice(0, count);
    this.#entries = this.#entries.slice(count);
    for (const [repetition, index] of this.#next.entries()) {
      this.#next[repetition] = Math.max(0, index - count);
    }
    return gone;
  }
}

function isSame(a: InboundMessage, b: InboundMessage): boolean {
  return a.topic === b.topic && sameBytes(a.payload, b.payload);
}
