/**
 * A stream that shows every byte it passes on.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";

/** Stands before another stream: what comes in is shown at once, whether or not it is ever read. */
export class Tap extends Duplex {
  readonly #inner: Duplex;

  /** @param show is given each piece that comes in. */
  constructor(inner: Duplex, show: (bytes: Uint8Array) => void) {
    super();
    this.#inner = inner;
    inner.on("data", (bytes: Buffer) => {
      show(bytes);
      this.push(bytes);
    });
    inner.on("end", () => this.push(null));
    inner.on("close", () => this.destroy());
    inner.on("error", (error: Error) => this.destroy(error));
  }

  /** Gives everything that has come in: Deno gives one piece a call, and Aedes calls only once. */
  override read(size?: number): Buffer | null {
    // The stream's own way to say "go on and fill the buffer": it takes nothing.
    if (size === 0) return super.read(0);
    const pieces: Buffer[] = [];
    for (let piece = super.read(); piece !== null; piece = super.read()) pieces.push(piece);
    return pieces.length === 0 ? null : Buffer.concat(pieces);
  }

  override _read(): void {
    // Nothing to do: the inner stream is always flowing.
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#inner.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner.destroy();
    done(error);
  }
}
