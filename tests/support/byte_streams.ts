/**
 * Byte streams that a test drives by hand.
 *
 * @module
 */

import type { ByteReader, ByteWriter } from "../../src/lines.ts";

/** `text` in UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** A source that gives its chunks one a read (in parts where the reader has less room). */
export class ChunkReader implements ByteReader {
  /** How often it was read from. */
  reads = 0;
  readonly #chunks: Uint8Array[];

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = [...chunks];
  }

  read(p: Uint8Array): Promise<number | null> {
    this.reads++;
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return Promise.resolve(null);
    const count = Math.min(chunk.length, p.length);
    p.set(chunk.subarray(0, count));
    if (count < chunk.length) this.#chunks.unshift(chunk.subarray(count));
    return Promise.resolve(count);
  }
}

/** A source that waits until the test gives it something. */
export class ManualReader implements ByteReader {
  readonly #given: (Uint8Array | null | Error)[] = [];
  #wake: () => void = () => {};

  /** Gives the next bytes; `null` is the end, an error fails the read. */
  give(what: Uint8Array | null | Error): void {
    this.#given.push(what);
    this.#wake();
  }

  async read(p: Uint8Array): Promise<number | null> {
    while (this.#given.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const next = this.#given.shift();
    if (next instanceof Error) throw next;
    if (next === undefined || next === null) return null;
    p.set(next);
    return next.length;
  }
}

/** A sink that keeps what it is given, `atATime` bytes a write, and can get stuck. */
export class MemoryWriter implements ByteWriter {
  readonly #atATime: number;
  readonly #bytes: number[] = [];
  #stuck: Promise<void> | undefined;
  #release: () => void = () => {};

  constructor(atATime = Infinity) {
    this.#atATime = atATime;
  }

  /** All that was written. */
  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.#bytes));
  }

  /** All that was written, by lines. */
  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  /** From now on a write waits for `release`. */
  stick(): void {
    this.#stuck = new Promise((resolve) => this.#release = resolve);
  }

  /** Lets the waiting write and the ones after it through. */
  release(): void {
    this.#stuck = undefined;
    this.#release();
  }

  async write(p: Uint8Array): Promise<number> {
    await this.#stuck;
    const count = Math.min(p.length, this.#atATime);
    this.#bytes.push(...p.subarray(0, count));
    return count;
  }
}
