/**
 * Waiting for something to arrive, always with a deadline and never by sleeping.
 *
 * @module
 */

/** How long a test waits for one thing, in milliseconds, unless it says otherwise. */
export const PATIENCE_MS = 10_000;

/**
 * Waits for `promise`, at most `ms` milliseconds.
 *
 * @throws Error naming `what` when the time is over.
 */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`Cannot wait longer for ${what}: ${ms} ms have passed`)),
    ms,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Everything that arrived, in order, for as long as a test wants to look at it. */
export class Inbox<T> {
  readonly #what: string;
  readonly #items: T[] = [];
  readonly #wakers = new Set<() => void>();
  #closed: string | undefined;
  #taken = 0;

  /** @param what names one item in the message of a failed wait. */
  constructor(what: string) {
    this.#what = what;
  }

  /** Everything that arrived so far, taken or not. */
  get all(): readonly T[] {
    return this.#items;
  }

  /** How many items arrived that {@linkcode next} has not handed out. */
  get waiting(): number {
    return this.#items.length - this.#taken;
  }

  /** Adds one item. */
  put(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  /** Says that nothing more will arrive: pending and later waits fail with `reason`. */
  close(reason: string): void {
    this.#closed ??= reason;
    this.#wake();
  }

  /**
   * Takes the next item that was not taken yet.
   *
   * @throws Error when nothing arrives within `ms`, or nothing can arrive any more.
   */
  next(ms: number = PATIENCE_MS): Promise<T> {
    return this.#until(ms, "the next", () => {
      if (this.#taken >= this.#items.length) return undefined;
      return { value: this.#items[this.#taken++] as T };
    });
  }

  /**
   * Finds the first item, past or future, that `wanted` accepts; takes nothing.
   *
   * @throws Error when there is none within `ms`, or nothing can arrive any more.
   */
  find(wanted: (item: T) => boolean, ms: number = PATIENCE_MS): Promise<T> {
    let seen = 0;
    return this.#until(ms, "a matching", () => {
      for (; seen < this.#items.length; seen++) {
        const value = this.#items[seen] as T;
        if (wanted(value)) return { value };
      }
      return undefined;
    });
  }

  /**
   * Waits until at least `count` items have arrived in all.
   *
   * @throws Error when there are fewer after `ms`, or nothing can arrive any more.
   */
  async count(count: number, ms: number = PATIENCE_MS): Promise<void> {
    await this.#until(
      ms,
      `${count} times a`,
      () => this.#items.length >= count ? { value: undefined } : undefined,
    );
  }

  async #until<R>(ms: number, which: string, look: () => { value: R } | undefined): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const attempt = () => {
      const found = look();
      if (found === undefined && this.#closed === undefined) return;
      // At once, lest the next arrival be taken for a question that is answered.
      this.#wakers.delete(attempt);
      if (found !== undefined) resolve(found.value);
      else {
        reject(new Error(`Cannot get ${which} ${this.#what}: ${this.#closed}`));
      }
    };
    this.#wakers.add(attempt);
    try {
      attempt();
      return await within(ms, `${which} ${this.#what}`, promise);
    } finally {
      this.#wakers.delete(attempt);
    }
  }

  #wake(): void {
    for (const attempt of [...this.#wakers]) attempt();
  }
}
