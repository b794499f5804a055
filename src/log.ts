/**
 * The log: one line a message, without secrets, that never holds up the program.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";
import { type ByteWriter, writeAll } from "./lines.ts";
import { Redactor } from "./redact.ts";
import { escapeLine } from "./text.ts";

/** From the chattiest to the most serious. */
export type LogLevel = "DEBUG" | "INFO" | "WARNING" | "ERROR";

const SEVERITY: Readonly<Record<LogLevel, number>> = { DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3 };
const MAX_LINE_BYTES = 4 * 1024;
const CUT_MARK = " …";
/** Nothing around a message is shorter than its time, and the notice of drops than this. */
const MIN_FRAME_BYTES = 30;
const MIN_NOTICE_BYTES = 90;
const utf8 = new TextEncoder();

/**
 * Writes log lines like `2026-11-22T13:00:00.000Z INFO message` to a sink that may be slow, stuck
 * or closed: a parent that never reads its child's stderr fills that pipe after 64 KiB, and a
 * write that waited for room there would stop the server for good. So lines queue up to a bound,
 * what does not fit is dropped and counted, and once the sink takes lines again one of them says
 * how many were dropped. No method throws.
 */
export class Logger {
  readonly #sink: ByteWriter;
  readonly #minSeverity: number;
  readonly #redactor: Redactor;
  readonly #clock: Clock;
  readonly #maxQueuedBytes: number;
  #queue: Uint8Array[] = [];
  /** Bytes of the queue and of the line being written. */
  #queuedBytes = 0;
  #dropped = 0;
  #unreported = 0;
  #isPumping = false;
  #isClosed = false;
  #waiting = new Set<() => void>();

  /**
   * `level` is the least serious one that is written; `secrets` are hidden wherever they appear.
   *
   * @default options.clock the system's
   * @default options.maxQueuedBytes 65,536
   */
  constructor(
    options: {
      sink: ByteWriter;
      level: LogLevel;
      secrets?: readonly string[];
      clock?: Clock;
      maxQueuedBytes?: number;
    },
  ) {
    this.#sink = options.sink;
    this.#minSeverity = SEVERITY[options.level];
    this.#redactor = new Redactor(options.secrets ?? []);
    this.#clock = options.clock ?? systemClock;
    this.#maxQueuedBytes = options.maxQueuedBytes ?? 64 * 1024;
  }

  /** Lines dropped since the start because the sink was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether lines of `level` are written: ask before building a costly message. */
  enabled(level: LogLevel): boolean {
    return SEVERITY[level] >= this.#minSeverity && !this.#isClosed;
  }

  /** Logs what helps to follow the program step by step. */
  debug(message: string, foreign?: string): void {
    this.#log("DEBUG", message, foreign);
  }

  /** Logs what happens in normal operation. */
  info(message: string, foreign?: string): void {
    this.#log("INFO", message, foreign);
  }

  /** Logs what is amiss although the program goes on. */
  warning(message: string, foreign?: string): void {
    this.#log("WARNING", message, foreign);
  }

  /** Logs a failure. */
  error(message: string, foreign?: string): void {
    this.#log("ERROR", message, foreign);
  }

  /** `text` with every secret in it replaced by `[hidden]`. */
  redact(text: string): string {
    return this.#redactor.redact(text);
  }

  /** Resolves once all lines are written, the sink has failed, or `ms` milliseconds have passed. */
  flush(ms: number): Promise<void> {
    if (!this.#isPumping) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.#clock.after(ms, done);
      this.#waiting.add(done);
    });
  }

  #log(level: LogLevel, message: string, foreign = ""): void {
    if (!this.enabled(level)) return;
    if (this.#isSurelyFull(message.length + foreign.length)) return this.#drop();
    // Redacted before it is escaped or cut, which could tear a secret into parts that nothing
    // recognises; and nothing but what is foreign: hidden in a sentence of ours, a secret that is an ordinary word could be read off the gap.
    const text = foreign === "" ? message : `${message}: ${this.#redactor.redact(foreign)}`;
    const line = this.#format(level, text);
    const notice = this.#dropNotice();
    if (this.#queuedBytes + (notice?.length ?? 0) + line.length > this.#maxQueuedBytes) {
      return this.#drop();
    }
    if (notice !== null) this.#enqueueNotice(notice);
    this.#enqueue(line);
    if (!this.#isPumping) void this.#pump();
  }

  /** Spares a stuck log the work on lines that it will drop. */
  #isSurelyFull(characters: number): boolean {
    const least = MIN_FRAME_BYTES + Math.min(characters, MAX_LINE_BYTES - MIN_FRAME_BYTES) +
      (this.#unreported > 0 ? MIN_NOTICE_BYTES : 0);
    return this.#queuedBytes > 0 && this.#queuedBytes + least > this.#maxQueuedBytes;
  }

  #drop(): void {
    this.#dropped++;
    this.#unreported++;
  }

  #format(level: LogLevel, message: string): Uint8Array {
    const time = new Date(this.#clock.now()).toISOString();
    const text = `${time} ${level} ${escapeLine(message.slice(0, MAX_LINE_BYTES))}`;
    const line = new Uint8Array(Math.min(MAX_LINE_BYTES, text.length * 3 + 1));
    let { read, written } = utf8.encodeInto(text, line.subarray(0, -1));
    if (read < text.length) {
      ({ written } = utf8.encodeInto(text, line.subarray(0, MAX_LINE_BYTES - 5)));
      written += utf8.encodeInto(CUT_MARK, line.subarray(written)).written;
    }
    line[written] = 0x0A;
    return line.slice(0, written + 1);
  }

  #dropNotice(): Uint8Array | null {
    if (this.#unreported === 0) return null;
    const lines = this.#unreported === 1 ? "1 log line was" : `${this.#unreported} log lines were`;
    return this.#format("WARNING", `${lines} dropped because nothing read them in time`);
  }

  #enqueueNotice(notice: Uint8Array): void {
    this.#unreported = 0;
    this.#enqueue(notice);
  }

  #enqueue(line: Uint8Array): void {
    this.#queue.push(line);
    this.#queuedBytes += line.length;
  }

  /** The only writer, so that lines cannot mix. */
  async #pump(): Promise<void> {
    this.#isPumping = true;
    try {
      while (this.#queue.length > 0) {
        const lines = this.#queue;
        this.#queue = [];
        for (const line of lines) {
          await writeAll(this.#sink, line);
          this.#queuedBytes -= line.length;
        }
        const notice = this.#queue.length === 0 ? this.#dropNotice() : null;
        if (notice !== null) this.#enqueueNotice(notice);
      }
    } catch {
      // stderr is closed, and there is nowhere left to say so.
      this.#isClosed = true;
      this.#queue = [];
      this.#queuedBytes = 0;
    }
    this.#isPumping = false;
    for (const done of [...this.#waiting]) done();
  }
}
