/**
 * What came lately, and how often each of it was repeated. A broker that sends a copy for each
 * subscription sends, for each, every message in order: the same sequence several times over,
 * interleaved in some way. The first to come of each message is logged, and each later one is counted
 * as a copy of one that it can be a copy of.
 *
 * @module
 */

import { sameBytes } from "../bytes.ts";
import { EqualMessages, type Logged, type Steps } from "./equal_messages.ts";
import type { InboundMessage } from "./packets.ts";

/** Messages that are remembered at most; of more, the oldest have no copies any more. */
const MOST_LOGGED = 10_000;
/** Payload bytes that are remembered at most, unless one message has more. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Payload bytes that are hashed at either end. */
const HASHED_BYTES = 1024;
/** For so long, copies of what had to leave early may still come, and be logged as new. */
const UNCLEAR_MS = 1_000;

/** The sequences of one connection, one for each set of subscriptions. */
export class SequenceLog {
  #log: Logged[] = [];
  #head = 0;
  #bytes = 0;
  #evictedAt = -Infinity;
  readonly #byKey = new Map<string, EqualMessages[]>();
  /** By set of subscriptions, the last message whose equal was not in the log. */
  readonly #landmarks = new Map<string, Logged>();
  readonly #steps: Steps = { count: 0 };

  /** How many messages it holds. */
  get size(): number {
    return this.#log.length - this.#head;
  }

  /** How many messages and payloads were looked at so far. */
  get steps(): number {
    return this.#steps.count;
  }

  /**
   * Gives the message that this one is a copy of, with the copy counted; undefined when there is none,
   * and the message is then logged.
   *
   * @param since messages from before are not considered; milliseconds since 1970
   * @param certain false when fewer copies may come than there are subscriptions
   */
  match(
    message: InboundMessage,
    subscriptions: readonly number[],
    since: number,
    certain: boolean,
  ): Logged | undefined {
    const set = subscriptions.join();
    const equal = this.#equal(message, set);
    const original = equal.take(since);
    if (original !== undefined) return original;
    const logged: Logged = {
      message,
      set,
      most: subscriptions.length - 1,
      teaches: certain && message.receivedAt - this.#evictedAt > UNCLEAR_MS,
      equal,
      behind: [],
      copies: 0,
      isAlone: true,
      wasEvicted: false,
    };
    const isNew = equal.size === 0;
    // One of the copies so far may have been this very message, further up in the sequence.
    equal.add(logged, equal.hasCopied ? undefined : this.#landmarks.get(set));
    if (isNew && certain) this.#landmarks.set(set, logged);
    this.#log.push(logged);
    this.#bytes += message.payload.length;
    this.#evict(message.receivedAt);
    return undefined;
  }

  /** Takes out and gives the messages from before `time`. */
  forget(time: number): Logged[] {
    const gone: Logged[] = [];
    for (let it = this.#log[this.#head]; it !== undefined; it = this.#log[this.#head]) {
      if (it.message.receivedAt >= time) break;
      gone.push(it);
      this.#removeOldest(it);
    }
    return gone;
  }

  /** Takes out the oldest past the bounds, but not the newest. */
  #evict(now: number): void {
    while (
      this.size > 1 && (this.size > MOST_LOGGED || this.#bytes > MOST_BYTES)
    ) {
      const oldest = this.#log[this.#head];
      if (oldest === undefined) return;
      oldest.wasEvicted = true;
      this.#evictedAt = now;
      this.#removeOldest(oldest);
    }
  }

  #equal(message: InboundMessage, set: string): EqualMessages {
    const { payload, topic } = message;
    const key = `${set} ${payload.length} ${hash(payload)} ${topic}`;
    const found = this.#byKey.get(key)?.find((it) => {
      this.#steps.count++;
      return sameBytes(it.payload, payload);
    });
    if (found !== undefined) return found;
    const made = new EqualMessages(key, payload, this.#steps);
    const others = this.#byKey.get(key);
    if (others === undefined) this.#byKey.set(key, [made]);
    else others.push(made);
    return made;
  }

  #removeOldest(logged: Logged): void {
    const { equal, message, set } = logged;
    this.#bytes -= message.payload.length;
    equal.removeOldest();
    if (equal.size === 0) {
      const others = this.#byKey.get(equal.key)?.filter((it) => it !== equal) ?? [];
      if (others.length === 0) this.#byKey.delete(equal.key);
      else this.#byKey.set(equal.key, others);
    }
    if (this.#landmarks.get(set) === logged) this.#landmarks.delete(set);
    if (++this.#head * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** FNV-1a of the beginning and the end. */
function hash(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  const skipped = bytes.length > 2 * HASHED_BYTES ? bytes.length - 2 * HASHED_BYTES : 0;
  for (let index = 0; index < bytes.length; index++) {
    if (index === HASHED_BYTES) index += skipped;
    sum = Math.imul(sum ^ (bytes[index] ?? 0), 0x01000193);
  }
  return sum >>> 0;
}
