/**
 * What came lately, and how often each of it was repeated. A broker that sends a copy for each
 * subscription sends, for each, every message in order: the same sequence several times over,
 * interleaved in some way. The first to come of each message is logged, and each later one is counted
 * as a copy of one that it can be a copy of.
 *
 * @module
 */

import { sameBytes } from "../bytes.ts";
import type { InboundMessage } from "./packets.ts";

/** Messages that are remembered at most; of more, the oldest have no copies any more. */
const MOST_LOGGED = 10_000;
/** Payload bytes that are remembered at most. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Payload bytes that are hashed. */
const HASHED_BYTES = 64;

/** A message that came first. */
export interface Logged {
  readonly message: InboundMessage;
  /** Equal for equal messages under the same subscriptions, and rarely for others. */
  readonly value: string;
  /** False when fewer copies may come than there are subscriptions. */
  readonly certain: boolean;
  /** The subscriptions that it matched. */
  readonly set: string;
  /** How many copies of it have come. */
  copies: number;
  /** It comes after this one in the sequence; undefined when its place is not known. */
  after: Logged | undefined;
  /** True once it is no longer in the log. */
  forgotten: boolean;
}

/** The sequences of one connection, one for each set of subscriptions. */
export class SequenceLog {
  #log: Logged[] = [];
  #head = 0;
  #bytes = 0;
  readonly #byValue = new Map<string, Logged[]>();
  /** By set of subscriptions, the last message whose equal was not in the log. */
  readonly #landmarks = new Map<string, Logged>();

  /**
   * Gives the message that this one is a copy of, with the copy counted; undefined when there is none,
   * and the message is then logged.
   *
   * @param since messages from before are not considered; milliseconds since 1970
   */
  match(
    message: InboundMessage,
    subscriptions: readonly number[],
    since: number,
    certain: boolean,
  ): Logged | undefined {
    const set = subscriptions.join();
    const value = `${set} ${message.payload.length} ${hash(message.payload)} ${message.topic}`;
    const equal =
      this.#byValue.get(value)?.filter((it) => sameBytes(it.message.payload, message.payload)) ??
        [];
    const most = subscriptions.length - 1;
    const original = equal.find((it) =>
      it.message.receivedAt >= since && it.copies < most && isReachable(it)
    );
    if (original !== undefined) {
      original.copies++;
      return original;
    }
    // One of the copies so far may have been this very message, further up in the sequence.
    const isPlaced = equal.every(({ copies }) => copies === 0);
    const after = isPlaced ? this.#landmarks.get(set) : undefined;
    const logged = { message, value, certain, set, copies: 0, after, forgotten: false };
    this.#add(logged);
    if (equal.length === 0 && certain) this.#landmarks.set(set, logged);
    return undefined;
  }

  /** Takes out and gives the messages from before `time`, and those past the bounds. */
  forget(time: number): Logged[] {
    const gone: Logged[] = [];
    for (let oldest = this.#log[this.#head]; oldest !== undefined;) {
      const isOver = this.#log.length - this.#head > MOST_LOGGED || this.#bytes > MOST_BYTES;
      if (!isOver && oldest.message.receivedAt >= time) break;
      gone.push(oldest);
      this.#remove(oldest);
      oldest = this.#log[++this.#head];
    }
    if (this.#head * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#head);
      this.#head = 0;
    }
    return gone;
  }

  #add(logged: Logged): void {
    this.#log.push(logged);
    this.#bytes += logged.message.payload.length;
    const equal = this.#byValue.get(logged.value);
    if (equal === undefined) this.#byValue.set(logged.value, [logged]);
    else equal.push(logged);
  }

  #remove(logged: Logged): void {
    this.#bytes -= logged.message.payload.length;
    const equal = this.#byValue.get(logged.value)?.filter((it) => it !== logged) ?? [];
    if (equal.length === 0) this.#byValue.delete(logged.value);
    else this.#byValue.set(logged.value, equal);
    if (this.#landmarks.get(logged.set) === logged) this.#landmarks.delete(logged.set);
    logged.forgotten = true;
    // A chain of these would keep every message that ever came.
    logged.after = undefined;
  }
}

/** A subscription can only repeat a message after it has repeated what came before that. */
function isReachable({ after, copies }: Logged): boolean {
  return after === undefined || after.forgotten || after.copies > copies;
}

/** FNV-1a. */
function hash(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  const end = Math.min(bytes.length, HASHED_BYTES);
  for (let index = 0; index < end; index++) {
    sum = Math.imul(sum ^ (bytes[index] ?? 0), 0x01000193);
  }
  return sum >>> 0;
}
