/**
 * What one subscribe call collects from an inbox, and when it has enough.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Inbox } from "../mqtt/inbox.ts";
import type { InboxReader } from "../mqtt/inbox_reader.ts";
import type { InboundMessage } from "../mqtt/packets.ts";

/** What a caller asked for. */
export interface Wish {
  /** The most messages to return. */
  readonly most: number;
  /** Ends the collection at the first payload that contains this; undefined for none. */
  readonly match: string | undefined;
  /** False to leave out stored messages. */
  readonly includeRetained: boolean;
  /** So many messages fill any result. */
  readonly full: number;
}

/** Why a collection has enough. */
export type Enough = "match" | "max_messages" | "full" | "unsubscribed";

/** What a call may return. */
export interface Page {
  readonly messages: readonly InboundMessage[];
  /** How many of the reader's messages are done with when the first `count` of those are returned. */
  consumed(count: number): number;
  /** How many messages wait behind the first `count`. */
  remaining(count: number): number;
}

/** Looks at each message once, as it comes. */
export class Collection {
  readonly #reader: InboxReader;
  readonly #inbox: Inbox;
  readonly #wish: Wish;
  readonly #needle: Buffer | undefined;
  /** Position up to which messages were looked at. */
  #seen: number;
  #wanted = 0;
  /** Position after the match, and how many were wanted up to it. */
  #matchEnd: number | undefined;
  #wantedAtMatch = 0;

  constructor(reader: InboxReader, inbox: Inbox, wish: Wish) {
    this.#reader = reader;
    this.#inbox = inbox;
    this.#wish = wish;
    this.#needle = wish.match === undefined ? undefined : Buffer.from(wish.match);
    this.#seen = reader.position;
  }

  /** Why the wait may end now; undefined while there is no reason. */
  get enough(): Enough | undefined {
    this.#look();
    if (this.#matchEnd !== undefined && this.#wantedAtMatch <= this.#wish.most) return "match";
    if (this.#wanted >= this.#wish.most) return "max_messages";
    if (this.#wanted >= this.#wish.full) return "full";
    return this.#inbox.closed ? "unsubscribed" : undefined;
  }

  /** The messages that the call may return, oldest first, with an account of the others. */
  page(): Page {
    const waiting = this.#reader.peek();
    const first = this.#reader.end - waiting.length;
    const indexes: number[] = [];
    for (const [index, message] of waiting.entries()) {
      if (this.#matchEnd !== undefined && first + index >= this.#matchEnd) break;
      if (indexes.length >= this.#wish.most) break;
      if (this.#isWanted(message)) indexes.push(index);
    }
    const all = waiting.filter((message) => this.#isWanted(message)).length;
    return {
      messages: indexes.map((index) => waiting[index]).filter((message) => message !== undefined),
      // With all that was wanted, the unwanted behind it are done with too.
      consumed: (count) => count === all ? waiting.length : (indexes[count - 1] ?? -1) + 1,
      remaining: (count) => all - count,
    };
  }

  #look(): void {
    const fresh = this.#reader.peekFrom(this.#seen);
    const first = this.#reader.end - fresh.length;
    this.#seen = this.#reader.end;
    for (const [index, message] of fresh.entries()) {
      if (!this.#isWanted(message)) continue;
      this.#wanted++;
      if (this.#matchEnd === undefined && this.#matches(message)) {
        this.#matchEnd = first + index + 1;
        this.#wantedAtMatch = this.#wanted;
      }
    }
  }

  #matches({ payload }: InboundMessage): boolean {
    const { buffer, byteOffset, byteLength } = payload;
    return this.#needle !== undefined &&
      Buffer.from(buffer, byteOffset, byteLength).includes(this.#needle);
  }

  #isWanted(message: InboundMessage): boolean {
    return this.#wish.includeRetained || !message.retain;
  }
}
