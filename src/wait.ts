/**
 * Waiting with an end: every wait in this program has a deadline, and an owner that can cancel it.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { MqttSmcpError } from "./errors.ts";

/** What bounds a wait. */
export interface Bound {
  readonly clock: Clock;
  /** Milliseconds until the wait ends by itself. */
  readonly ms: number;
  /** Cancels the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** Starts the time of a bound that several waits share: each call gives what is left of it. */
export function countdown(bound: Bound): () => Bound {
  const deadline = bound.clock.now() + bound.ms;
  return () => ({ ...bound, ms: Math.max(0, deadline - bound.clock.now()) });
}

/** The error of a call that its caller cancelled. */
export function cancelled(): MqttSmcpError {
  return new MqttSmcpError("CANCELLED", "The call was cancelled");
}

/**
 * Waits until `arm`'s callback is called (true) or the time is over (false).
 *
 * `arm` is called at once and returns what takes its listener away again.
 *
 * @throws {MqttSmcpError} CANCELLED when the bound's signal fires.
 */
export function until(bound: Bound, arm: (wake: () => void) => () => void): Promise<boolean> {
  const { clock, ms, signal } = bound;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled());
    let open = true;
    let disarm = (): void => {};
    const settle = (finish: () => void): void => {
      if (!open) return;
      open = false;
      stopTimer();
      signal?.removeEventListener("abort", onAbort);
      disarm();
      finish();
    };
    const onAbort = (): void => settle(() => reject(cancelled()));
    const stopTimer = clock.after(ms, () => settle(() => resolve(false)));
    signal?.addEventListener("abort", onAbort);
    const undo = arm(() => settle(() => resolve(true)));
    // The callback may have come while arming, before there was anything to take away.
    if (open) disarm = undo;
    else undo();
  });
}

/**
 * The outcome of `promise`, or the error that `onTimeout` makes once the time is over.
 *
 * @throws {MqttSmcpError} CANCELLED when the bound's signal fires, or what `onTimeout` makes.
 */
export async function withDeadline<T>(
  bound: Bound,
  promise: Promise<T>,
  onTimeout: () => Error,
): Promise<T> {
  // Given up on, it may still fail later, and then with nobody to hear it.
  promise.catch(() => {});
  let outcome: { value: T } | { error: unknown } | undefined;
  const settled = await until(bound, (wake) => {
    promise.then(
      (value) => {
        outcome = { value };
        wake();
      },
      (error: unknown) => {
        outcome = { error };
        wake();
      },
    );
    return () => {};
  });
  if (!settled || outcome === undefined) throw onTimeout();
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

/** Lets one holder in at a time, in the order of asking. */
export class Mutex {
  #tail: Promise<void> = Promise.resolve();

  /**
   * Waits for its turn; the returned function hands the turn on and may be called more than once.
   *
   * @throws {MqttSmcpError} CANCELLED, or what `onTimeout` makes; the turn is then passed over.
   */
  async acquire(bound: Bound, onTimeout: () => Error): Promise<() => void> {
    const previous = this.#tail;
    const { promise, resolve: release } = Promise.withResolvers<void>();
    this.#tail = promise;
    try {
      await withDeadline(bound, previous, onTimeout);
    } catch (error) {
      previous.then(release);
      throw error;
    }
    return release;
  }
}

/** A set of callbacks that are called together. */
export class Listeners {
  readonly #all = new Set<() => void>();

  /** Adds a callback; the returned function takes it away. */
  add(listener: () => void): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  /** Calls every callback that was there when the call began. */
  notify(): void {
    if (this.#all.size === 0) return;
    for (const listener of [...this.#all]) listener();
  }
}
