/**
 * The messages that may be copies, kept until it is known whether they are.
 *
 * @module
 */

import type { Logged } from "./equal_messages.ts";
import type { InboundMessage } from "./packets.ts";

/** Messages that are kept at most. */
const MOST_MESSAGES = 10_000;
/** Payload bytes that are kept at most. */
const MOST_BYTES = 16 * 1024 * 1024;

interface Doubtful {
  readonly message: InboundMessage;
  readonly original: Logged;
}

/** True when every copy of it has come and nothing else can be taken for one. */
export function showsCopies(logged: Logged): boolean {
  return logged.teaches && logged.isAlone && !logged.wasEvicted && logged.copies === logged.most;
}

/** What is withheld on one connection, in the order of arrival. */
export class Withheld {
  /** Those that have waited and are copies if the broker sends such. */
  #likely: Doubtful[] = [];
  #waiting: Doubtful[] = [];
  #bytes = 0;

  /** How many messages it holds. */
  get size(): number {
    return this.#likely.length + this.#waiting.length;
  }

  /** Keeps a message that may be a copy of `original`; false when there is no room for it. */
  add(message: InboundMessage, original: Logged): boolean {
    const bytes = this.#bytes + message.payload.length;
    if (this.size >= MOST_MESSAGES || bytes > MOST_BYTES) return false;
    this.#waiting.push({ message, original });
    this.#bytes = bytes;
    return true;
  }

  /**
   * Takes out and gives those from before `time` that are to be handed on.
   *
   * @param keepsLikely whether those that are likely copies wait on
   */
  due(time: number, keepsLikely: boolean): InboundMessage[] {
    const due = keepsLikely ? [] : this.#likely.splice(0);
    for (let it = this.#waiting[0]; it !== undefined; it = this.#waiting[0]) {
      if (it.message.receivedAt >= time) break;
      this.#waiting.shift();
      if (keepsLikely && showsCopies(it.original)) this.#likely.push(it);
      else due.push(it);
    }
    for (const { message } of due) this.#bytes -= message.payload.length;
    return due.map(({ message }) => message);
  }

  /** Takes out and gives all. */
  all(): InboundMessage[] {
    return this.due(Infinity, false);
  }

  /** Drops all: they are copies. */
  drop(): void {
    this.#likely = [];
    this.#waiting = [];
    this.#bytes = 0;
  }
}
