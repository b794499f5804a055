/**
 * The bounded buffer of one standing subscription. It is a log that several calls may read at
 * once, each from where the last finished call had read to; what it must drop is counted.
 *
 * @module
 */

import { sameBytes } from "../bytes.ts";
import { Listeners } from "../wait.ts";
import { type Gap, Gaps } from "./gaps.ts";
import type { InboxPool } from "./inbox_pool.ts";
import { InboxReader, type Report } from "./inbox_reader.ts";
import type { InboundMessage } from "./packets.ts";

/** Bounds of an inbox. */
export interface InboxBounds {
  readonly messages: number;
  /** Topic names and payloads together; one message larger than this is still kept. */
  readonly bytes: number;
}

/** Bounds of each standing subscription's inbox. */
export const INBOX_BOUNDS: InboxBounds = { messages: 10_000, bytes: 32 * 1024 * 1024 };

/** Stands in the slots of released messages, so that those can be collected. */
const RELEASED: InboundMessage = {
  topic: "",
  payload: new Uint8Array(),
  qos: 0,
  retain: false,
  receivedAt: 0,
  subscriptionIds: [],
};
/** What a message costs beside its topic and payload, roughly. */
const OVERHEAD_BYTES = 200;

/** The messages of one standing subscription that no call has returned yet. */
export class Inbox {
  readonly #bounds: InboxBounds;
  readonly #pool: InboxPool | undefined;
  readonly #changed = new Listeners();
  readonly #readers = new Set<InboxReader>();
  #messages: InboundMessage[] = [];
  /** Index of the first message held; before it lie slots of messages that are gone. */
  #head = 0;
  /** Position of the first message held, counted from the first that ever came. */
  #base = 0;
  #bytes = 0;
  /** Position up to which some call has returned the messages. */
  #consumed = 0;
  #dropped = 0;
  readonly #gaps = new Gaps();
  /** Payloads held for each topic; kept only while retained messages are coming in. */
  #held: Map<string, Uint8Array[]> | undefined;
  #heldCount = 0;
  #bursts = 0;
  #paging = false;
  #closed = false;

  /** @param pool bounds several inboxes together; it is told of each change. @default none */
  constructor(bounds: InboxBounds, pool?: InboxPool) {
    this.#bounds = bounds;
    this.#pool = pool;
  }

  /** What it holds counts for, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages that no call has returned yet. */
  get pending(): number {
    return this.#end - Math.max(this.#consumed, this.#base);
  }

  /** True when the last finished call had to leave messages for the next one. */
  get paging(): boolean {
    return this.#paging && this.pending > 0;
  }

  /** True while a call reads. */
  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  /** True once the subscription is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Messages dropped since the last report. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Gaps since the last report. */
  get gaps(): readonly Gap[] {
    return this.#gaps.all;
  }

  /** Adds a message, dropping the oldest where the bound demands it. */
  push(message: InboundMessage): void {
    if (this.#held !== undefined && !this.#hold(message)) return;
    this.#messages.push(message);
    this.#grow(sizeOf(message));
    while (
      this.#length > this.#bounds.messages ||
      (this.#bytes > this.#bounds.bytes && this.#length > 1)
    ) this.dropOldest();
    this.#pool?.keepBound();
    this.#changed.notify();
  }

  /** Drops the oldest message, counted where no call has returned it; nothing when there is none. */
  dropOldest(): void {
    if (this.#length === 0) return;
    if (this.#base >= this.#consumed) this.#dropped++;
    this.#release(1);
  }

  /**
   * From now on, and until the returned function is called, leaves out a retained message that
   * equals one not yet returned: the broker sends stored copies of what may have come live.
   */
  beginBurst(): () => void {
    if (this.#bursts++ === 0) {
      this.#held = new Map();
      this.#heldCount = 0;
      for (const message of this.#unread(this.#consumed)) this.#hold(message);
    }
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      if (--this.#bursts > 0) return;
      this.#held = undefined;
      // A burst that brought nothing more leaves no page to be continued.
      if (this.pending === 0) this.#paging = false;
    };
  }

  /** Opens a gap; nothing when one is open. */
  connectionLost(at: number): void {
    this.#gaps.open(at);
    this.#changed.notify();
  }

  /** Closes the open gap; nothing when there is none. */
  restored(at: number): void {
    this.#gaps.close(at);
  }

  /** Ends the subscription: waiting readers wake up. */
  close(): void {
    this.#closed = true;
    this.#pool?.leave(this);
    this.#changed.notify();
  }

  /** Begins a call's reading at the first message that no finished call has returned. */
  read(): InboxReader {
    const reader = new InboxReader(Math.max(this.#consumed, this.#base), {
      unread: (from) => this.#unread(from),
      end: () => this.#end,
      count: (from) => this.#end - Math.max(from, this.#base),
      consume: (to) => this.#consume(to),
      report: () => this.#report(),
      onChange: (listener) => this.#changed.add(listener),
      forget: (it) => {
        this.#readers.delete(it);
        this.#trim();
      },
    });
    this.#readers.add(reader);
    return reader;
  }

  get #length(): number {
    return this.#messages.length - this.#head;
  }

  get #end(): number {
    return this.#base + this.#length;
  }

  #unread(from: number): InboundMessage[] {
    return this.#messages.slice(this.#head + Math.max(0, from - this.#base));
  }

  #consume(to: number): void {
    this.#consumed = Math.max(this.#consumed, to);
    // What a burst still brings belongs to this page's reading too.
    this.#paging = this.pending > 0 || this.#bursts > 0;
  }

  #report(): Report {
    const report = { dropped: this.#dropped, gaps: this.#gaps.report() };
    this.#dropped = 0;
    return report;
  }

  #trim(): void {
    let keepFrom = this.#consumed;
    for (const reader of this.#readers) keepFrom = Math.min(keepFrom, reader.position);
    this.#release(Math.max(0, keepFrom - this.#base));
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    // Closed, it has left the pool, and only its last readers still hold it.
    if (!this.#closed) this.#pool?.grew(bytes);
  }

  #release(count: number): void {
    const end = this.#head + count;
    for (const message of this.#messages.slice(this.#head, end)) this.#grow(-sizeOf(message));
    this.#head = end;
    this.#base += count;
    // Moving the rest down at each release would make a full inbox cost its length a message.
    if (this.#head * 2 >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    } else {
      this.#messages.fill(RELEASED, end - count, end);
    }
  }

  /** Notes the payload as held; false when it is a stored copy of one that is. */
  #hold(message: InboundMessage): boolean {
    if (++this.#heldCount > this.#bounds.messages) {
      // More than the inbox itself may hold: what comes twice is the lesser evil.
      this.#held = undefined;
      return true;
    }
    const payloads = this.#held?.get(message.topic);
    if (payloads === undefined) {
      this.#held?.set(message.topic, [message.payload]);
      return true;
    }
    if (message.retain && payloads.some((held) => sameBytes(held, message.payload))) return false;
    payloads.push(message.payload);
    return true;
  }
}

function sizeOf(message: InboundMessage): number {
  return message.payload.length + message.topic.length + OVERHEAD_BYTES;
}
