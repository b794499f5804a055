/**
 * A clock that stands still until a test moves it.
 *
 * @module
 */

import type { Clock } from "../../src/clock.ts";

interface Timer {
  readonly due: number;
  readonly action: () => void;
}

/** A {@linkcode Clock} for tests: time passes only in `advance` and `advanceAsync`. */
export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>();
  #now: number;

  /** @param start the first value of `now()`, in milliseconds since 1970. */
  constructor(start = 1_700_000_000_000) {
    this.#now = start;
  }

  /** How many timers are set and neither run nor cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer is due; undefined when none is set. */
  get nextDelay(): number | undefined {
    const timer = this.#first();
    return timer === undefined ? undefined : timer.due - this.#now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): () => void {
    const timer: Timer = { due: this.#now + Math.max(0, ms), action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Moves time by `ms`, running what falls due in order of time, then of setting. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#runOneBefore(end));
    this.#now = end;
  }

  /** As `advance`, but lets promises settle before the first and after each timer. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#now + ms;
    do await settle(); while (this.#runOneBefore(end));
    this.#now = end;
  }

  #runOneBefore(end: number): boolean {
    const timer = this.#first();
    if (timer === undefined || timer.due > end) return false;
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.due);
    timer.action();
    return true;
  }

  #first(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.due < first.due) first = timer;
    }
    return first;
  }
}

/**
 * Lets every promise that is ready run its course: one turn of the event loop. By a timer, since
 * with some of Node's modules loaded Deno delivers a message of a MessagePort between promises.
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
