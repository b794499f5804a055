/**
 * Time as something handed in, so that a test can move it.
 *
 * @module
 */

/** The two things that this program asks of time. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC, as counted from the start: never back, and never by a step. */
  now(): number;
  /** Calls `action` once after `ms` milliseconds; the returned function cancels that. */
  after(ms: number, action: () => void): () => void;
}

/** The real clock. */
export const systemClock: Clock = {
  // Not Date.now(): a step of the system's clock would turn a deadline into an hour, or into nothing.
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  after(ms, action): () => void {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};
