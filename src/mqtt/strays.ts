/**
 * Messages that no subscription matches. Some brokers rename topics (RabbitMQ turns a dot into a
 * slash): what they send then belongs to nobody, and who waits for it should learn why.
 *
 * @module
 */

import type { Logger } from "../log.ts";
import type { Entry } from "./ledger.ts";

/** What came for nobody. */
export interface StrayReport {
  readonly count: number;
  /** Of the last one. */
  readonly topic: string;
}

/** Counts them. */
export class Strays {
  readonly #log: Logger;
  readonly #told = new WeakMap<Entry, number>();
  #count = 0;
  #topic = "";
  #warned = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** A new connection begins. */
  connected(): void {
    this.#warned = false;
  }

  /** Counts one, and warns of the first on each connection. */
  add(topic: string): void {
    this.#count++;
    this.#topic = topic;
    if (this.#warned) return;
    this.#warned = true;
    this.#log.warning("a message came on a topic that no subscription matches");
  }

  /** Those since the last report to the same entry, or since {@link Strays.begin}. */
  report(entry: Entry): StrayReport | undefined {
    const count = this.#count - (this.#told.get(entry) ?? this.#count);
    this.begin(entry);
    return count === 0 ? undefined : { count, topic: this.#topic };
  }

  /** What came so far is nothing to the entry. */
  begin(entry: Entry): void {
    this.#told.set(entry, this.#count);
  }
}
