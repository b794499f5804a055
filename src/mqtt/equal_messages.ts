/**
 * The messages in the log that equal each other, in the order in which they came. Each may take
 * copies; finding the one that does costs little, however many there are.
 *
 * @module
 */

import type { InboundMessage } from "./packets.ts";

/** A message that came first. */
export interface Logged {
  readonly message: InboundMessage;
  /** The subscriptions that it matched. */
  readonly set: string;
  /** How many copies of it may come. */
  readonly most: number;
  /** False when its copies show nothing of the broker. */
  readonly teaches: boolean;
  /** The messages that it equals, itself among them. */
  readonly equal: EqualMessages;
  /** What comes after it in the sequence. */
  readonly behind: Run[];
  /** How many copies of it have come. */
  copies: number;
  /** True while no other that equals it has been in the log with it. */
  isAlone: boolean;
  /** True when it had to leave the log early. */
  wasEvicted: boolean;
}

/**
 * Neighbours among equal messages that come after the same message. Copies go to the first that can
 * take one, so none has more of them than the one before it.
 */
export interface Run {
  readonly equal: EqualMessages;
  readonly order: number;
  readonly items: Logged[];
  /** They come after this one in the sequence; undefined when their place is not known. */
  after: Logged | undefined;
  /** The index of the first that is recent enough for copies. */
  first: number;
  isReady: boolean;
}

/** Counts what finding takes. */
export interface Steps {
  /** Messages and payloads looked at. */
  count: number;
}

/** All messages in the log with one value. */
export class EqualMessages {
  readonly #steps: Steps;
  readonly #runs: Run[] = [];
  /** In order, each run that may have a message to take a copy, and maybe some that have none. */
  readonly #ready: Run[] = [];
  #runsMade = 0;
  #size = 0;
  #copied = 0;
  #newest: Logged | undefined;

  /**
   * @param key what they are found by
   * @param payload what each of them holds
   */
  constructor(readonly key: string, readonly payload: Uint8Array, steps: Steps) {
    this.#steps = steps;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** True when one of them has copies. */
  get hasCopied(): boolean {
    return this.#copied > 0;
  }

  /**
   * Gives the first that can have a copy, with the copy counted.
   *
   * @param since earlier ones take none from now on; milliseconds since 1970
   */
  take(since: number): Logged | undefined {
    for (let run = this.#ready[0]; run !== undefined; run = this.#ready[0]) {
      const found = this.#firstOpen(run, since);
      if (found !== undefined) {
        if (found.copies++ === 0) this.#copied++;
        for (const next of found.behind) next.equal.#wake(next);
        return found;
      }
      this.#ready.shift();
      run.isReady = false;
    }
    return undefined;
  }

  /** Adds one that came after all the others, and in the sequence after `after`. */
  add(logged: Logged, after: Logged | undefined): void {
    // With more than one before it, none of those is alone any more.
    if (this.#size > 0 && this.#newest !== undefined) this.#newest.isAlone = false;
    logged.isAlone = this.#size === 0;
    this.#newest = logged;
    this.#size++;
    let run = this.#runs.at(-1);
    if (run === undefined || run.after !== after) {
      const order = this.#runsMade++;
      run = { equal: this, order, items: [], after, first: 0, isReady: false };
      this.#runs.push(run);
      after?.behind.push(run);
    }
    run.items.push(logged);
    this.#wake(run);
  }

  /** Takes out the oldest. */
  removeOldest(): void {
    const run = this.#runs[0];
    const oldest = run?.items.shift();
    if (run === undefined || oldest === undefined) return;
    run.first = Math.max(0, run.first - 1);
    if (run.items.length === 0) this.#runs.shift();
    this.#size--;
    if (oldest.copies > 0) this.#copied--;
    for (const next of oldest.behind.splice(0)) {
      // A chain of these would keep every message that ever came.
      next.after = undefined;
      next.equal.#wake(next);
    }
  }

  #firstOpen(run: Run, since: number): Logged | undefined {
    const { items, after } = run;
    while ((items[run.first]?.message.receivedAt ?? since) < since) {
      run.first++;
      this.#steps.count++;
    }
    // A subscription can only repeat a message after it has repeated what came before that.
    const limit = after?.copies ?? items[0]?.most ?? 0;
    let [low, high] = [run.first, items.length];
    while (low < high) {
      this.#steps.count++;
      const middle = (low + high) >> 1;
      if ((items[middle]?.copies ?? 0) >= limit) low = middle + 1;
      else high = middle;
    }
    return items[low];
  }

  #wake(run: Run): void {
    if (run.isReady) return;
    run.isReady = true;
    let index = this.#ready.length;
    while (index > 0 && (this.#ready[index - 1]?.order ?? 0) > run.order) {
      index--;
      this.#steps.count++;
    }
    this.#ready.splice(index, 0, run);
  }
}
