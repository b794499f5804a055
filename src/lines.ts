/**
 * Lines of bytes over a stream: bounded, and without losing or doubling a byte.
 *
 * @module
 */

/** What a {@linkcode LineReader} reads from, such as `Deno.stdin`. */
export interface ByteReader {
  /** Reads into `p`; resolves to the count, or to `null` at the end. */
  read(p: Uint8Array): Promise<number | null>;
}

/** What {@linkcode writeAll} writes to, such as `Deno.stdout`. */
export interface ByteWriter {
  /** Writes a beginning of `p`; resolves to the count. */
  write(p: Uint8Array): Promise<number>;
}

/**
 * What a read found: a `line` without its newline; a line that is `too_long`; at the end of the
 * stream, a `partial` line that no newline ended. `bytes` are the receiver's own.
 */
export type Line =
  | { kind: "line"; bytes: Uint8Array }
  | { kind: "too_long" }
  | { kind: "partial"; bytes: Uint8Array };

const NEWLINE = 0x0A;
const CHUNK_BYTES = 64 * 1024;

/** Reads lines of at most `maxBytes` (without the newline). */
export class LineReader {
  readonly #source: ByteReader;
  readonly #maxBytes: number;
  #buffer: Uint8Array;
  /** The bytes read and not yet handed out are those from start to end. */
  #start = 0;
  #end: number;
  /** No newline before this; without it a long line in small reads would take quadratic time. */
  #scanned = 0;
  #isSkipping = false;
  #isEnded = false;
  #isReading = false;

  /** `initial` are bytes that come before those of `source`; they are copied. */
  constructor(source: ByteReader, options: { maxBytes: number; initial?: Uint8Array }) {
    const initial = options.initial ?? new Uint8Array();
    this.#source = source;
    this.#maxBytes = options.maxBytes;
    this.#buffer = new Uint8Array(Math.max(CHUNK_BYTES, initial.length));
    this.#buffer.set(initial);
    this.#end = initial.length;
  }

  /**
   * The next line, or `null` at the end of the stream. Reads only when no whole line is buffered.
   * A line that is too long is answered as soon as it has passed the bound, and the rest of it is
   * skipped by the following call.
   *
   * @throws {Error} When another call is under way, and what the source throws.
   */
  async next(): Promise<Line | null> {
    if (this.#isReading) throw new Error("Cannot read a line: another read is under way");
    this.#isReading = true;
    try {
      while (true) {
        const line = this.#takeLine();
        if (line !== null) return line;
        if (this.#isEnded) return this.#takePartial();
        await this.#fill();
      }
    } finally {
      this.#isReading = false;
    }
  }

  /**
   * Takes a copy of the bytes read past the last line; the reader forgets them.
   *
   * @throws {Error} When a read is under way, which would then lose what it reads.
   */
  takeRest(): Uint8Array {
    if (this.#isReading) throw new Error("Cannot take the rest: a read is under way");
    const rest = this.#buffer.slice(this.#start, this.#end);
    this.#buffer.fill(0, this.#start, this.#end);
    this.#forgetAll();
    return rest;
  }

  /** Overwrites all bytes of the internal buffer that were handed out or skipped. */
  wipe(): void {
    this.#buffer.fill(0, 0, this.#start);
    // While a read is under way its target must stay; what it leaves is wiped by the next call.
    if (!this.#isReading) this.#buffer.fill(0, this.#end);
  }

  #takeLine(): Line | null {
    while (true) {
      const newline = this.#buffer.subarray(0, this.#end).indexOf(NEWLINE, this.#scanned);
      if (newline < 0) break;
      const start = this.#start;
      this.#start = this.#scanned = newline + 1;
      if (this.#isSkipping) {
        this.#isSkipping = false;
        continue;
      }
      if (newline - start > this.#maxBytes) return { kind: "too_long" };
      return { kind: "line", bytes: this.#buffer.slice(start, newline) };
    }
    this.#scanned = this.#end;
    if (this.#isSkipping) {
      this.#forgetAll();
    } else if (this.#end - this.#start > this.#maxBytes) {
      this.#isSkipping = true;
      this.#forgetAll();
      return { kind: "too_long" };
    }
    return null;
  }

  #takePartial(): Line | null {
    if (this.#start === this.#end) return null;
    const bytes = this.#buffer.slice(this.#start, this.#end);
    this.#forgetAll();
    return { kind: "partial", bytes };
  }

  #forgetAll(): void {
    this.#start = this.#end = this.#scanned = 0;
  }

  async #fill(): Promise<void> {
    this.#makeRoom();
    const count = await this.#source.read(this.#buffer.subarray(this.#end));
    if (count === null) this.#isEnded = true;
    else this.#end += count;
  }

  #makeRoom(): void {
    const held = this.#end - this.#start;
    if (held === 0 && this.#buffer.length > CHUNK_BYTES) {
      this.#replaceBuffer(CHUNK_BYTES);
    } else if (this.#end === this.#buffer.length) {
      // Half empty: moving is cheap against what was read. Else twice the room: linear in total.
      if (held <= this.#buffer.length / 2) this.#moveToFront();
      else this.#replaceBuffer(this.#buffer.length * 2);
    } else if (held === 0) {
      this.#forgetAll();
    }
  }

  #moveToFront(): void {
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#scanned -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
  }

  #replaceBuffer(length: number): void {
    const old = this.#buffer;
    this.#buffer = new Uint8Array(length);
    this.#buffer.set(old.subarray(this.#start, this.#end));
    // It may have held credentials, and wipe() will not see it any more.
    old.fill(0);
    this.#scanned -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
  }
}

/**
 * Writes all of `bytes`, however few the writer takes at a time.
 *
 * @throws {Error} When the writer takes nothing, and what the writer throws.
 */
export async function writeAll(writer: ByteWriter, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const count = await writer.write(bytes.subarray(written));
    if (count <= 0) throw new Error("Cannot write: the stream takes no bytes");
    written += count;
  }
}
