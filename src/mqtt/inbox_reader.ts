/**
 * One call's view of an inbox.
 *
 * @module
 */

import type { Gap } from "./gaps.ts";
import type { InboundMessage } from "./packets.ts";

/** What a finished call tells about the inbox beside the messages. */
export interface Report {
  /** Messages that the bound dropped since the last report. */
  readonly dropped: number;
  /** Spans since the last report in which the connection was broken. */
  readonly gaps: readonly Gap[];
}

/** The inbox, as far as a reader may reach into it. */
export interface Source {
  unread(from: number): InboundMessage[];
  end(): number;
  count(from: number): number;
  consume(to: number): void;
  report(): Report;
  onChange(listener: () => void): () => void;
  forget(reader: InboxReader): void;
}

/** One call's view of an inbox. */
export class InboxReader implements Disposable {
  readonly #source: Source;
  #position: number;

  /** Use {@link Inbox.read}. */
  constructor(position: number, source: Source) {
    this.#position = position;
    this.#source = source;
  }

  /** Position of the first message that this call has not taken. */
  get position(): number {
    return this.#position;
  }

  /** How many messages wait for this call. */
  get count(): number {
    return this.#source.count(this.#position);
  }

  /** The messages that wait for this call, oldest first. */
  peek(): InboundMessage[] {
    return this.#source.unread(this.#position);
  }

  /** Position after the newest message. */
  get end(): number {
    return this.#source.end();
  }

  /** The messages from a position on, as far as they are still held, oldest first. */
  peekFrom(position: number): InboundMessage[] {
    return this.#source.unread(Math.max(position, this.#position));
  }

  /** Takes the first `count` of {@link InboxReader.peek}: no later call will see them. */
  consume(count: number): Report {
    const first = this.#source.end() - this.count;
    this.#position = first + count;
    this.#source.consume(this.#position);
    return this.#source.report();
  }

  /** Calls `listener` at each change; returns what takes it away. */
  onChange(listener: () => void): () => void {
    return this.#source.onChange(listener);
  }

  /** Ends the reading; what was not consumed stays for the next call. */
  [Symbol.dispose](): void {
    this.#source.forget(this);
  }
}
