/**
 * Time as something handed in, so that a test can move it.
 *
 * @module
 */

/** The two things that this program asks of time. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Calls `action` once after `ms` milliseconds; the returned function cancels that. */
  after(ms: number, action: () => void): () => void;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, action): () => void {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};
