/**
 * The times without a connection, in which a subscription may have missed messages.
 *
 * @module
 */

/** A span in which messages may be missing; times in milliseconds since 1970, `to` null while open. */
export interface Gap {
  readonly from: number;
  readonly to: number | null;
}

const MOST_GAPS = 50;

/** The gaps that were not reported yet; past 50, the two oldest become one that spans both. */
export class Gaps {
  #gaps: Gap[] = [];

  /** Oldest first. */
  get all(): readonly Gap[] {
    return this.#gaps;
  }

  /** Opens a gap; nothing when one is open. */
  open(at: number): void {
    if (this.#gaps.at(-1)?.to === null) return;
    this.#gaps.push({ from: at, to: null });
    const [first, second, ...rest] = this.#gaps;
    if (this.#gaps.length > MOST_GAPS && first && second) {
      this.#gaps = [{ from: first.from, to: second.to }, ...rest];
    }
  }

  /** Closes the open gap; nothing when there is none. */
  close(at: number): void {
    const last = this.#gaps.at(-1);
    if (last?.to === null) this.#gaps[this.#gaps.length - 1] = { from: last.from, to: at };
  }

  /** Hands out all; one that is still open stays, to be reported again with its end. */
  report(): readonly Gap[] {
    const gaps = this.#gaps;
    this.#gaps = gaps.filter(({ to }) => to === null);
    return gaps;
  }
}
