import { type ByteReader, type ByteWriter, writeAll } from "../../src/lines.ts";

/** Bytes moved at a time: what a pipe holds on Linux. */
const CHUNK_BYTES = 64 * 1024;

/** A web stream as a {@linkcode ByteReader}: it reads on only when the last chunk is used up. */
export class StreamSource implements ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  async read(p: Uint8Array): Promise<number | null> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#chunk = value;
    }
    const count = Math.min(p.length, this.#chunk.length);
    p.set(this.#chunk.subarray(0, count));
    this.#chunk.fill(0, 0, count);
    this.#chunk = this.#chunk.subarray(count);
    return count;
  }

  /** Gives the stream up; the writer at its other end then fails. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}

/** A web stream as a {@linkcode ByteWriter}: a write resolves when the pipe has taken it all. */
export class StreamSink implements ByteWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
    // That the reader has gone is told by the next write, or by its exit.
    this.#writer.closed.catch(() => {});
  }

  async write(p: Uint8Array): Promise<number> {
    await this.#writer.write(p);
    return p.length;
  }

  /** Ends the stream; resolves at once, also when its reader has gone. */
  async close(): Promise<void> {
    await this.#writer.close().catch(() => {});
  }
}

/**
 * Moves bytes until the source ends. One chunk is under way at a time, so that a slow receiver
 * slows the sender down.
 *
 * @throws what the source or the sink throws
 */
export async function pump(from: ByteReader, to: ByteWriter): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    await writeAll(to, buffer.subarray(0, count));
  }
}

/**
 * Reads a stream to its end, and overwrites what it was read from.
 *
 * @returns the bytes; they are the caller's to overwrite
 * @throws {RangeError} when there are more than `maxBytes`
 */
export async function collect(from: ByteReader, maxBytes: number): Promise<Uint8Array> {
  // One byte of room more tells "too many" from "just as many".
  const buffer = new Uint8Array(maxBytes + 1);
  let length = 0;
  try {
    for (;;) {
      const count = await from.read(buffer.subarray(length));
      if (count === null) return buffer.slice(0, length);
      length += count;
      if (length > maxBytes) throw new RangeError(`more than ${maxBytes} bytes`);
    }
  } finally {
    buffer.fill(0);
  }
}
