/**
 * Random values that a failed test can repeat.
 *
 * @module
 */

/** A seeded generator (mulberry32): the same seed gives the same values on every machine. */
export class Random {
  /** Put it into the failure message, so that the run can be repeated. */
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** A number from 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of `items`. @throws Error when there is none. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error("Cannot pick: there are no items");
    return items[this.int(0, items.length - 1)] as T;
  }

  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.int(0, 255));
  }

  /** `length` characters of `alphabet`. */
  text(length: number, alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"): string {
    const characters = [...alphabet];
    return Array.from({ length }, () => this.pick(characters)).join("");
  }

  /** `bytes` cut into pieces of random lengths, empty ones included. */
  chunks(bytes: Uint8Array<ArrayBuffer>, longest = 16): Uint8Array<ArrayBuffer>[] {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = this.int(0, longest);
      pieces.push(bytes.slice(at, at + length));
      at += length;
    }
    return pieces;
  }
}
