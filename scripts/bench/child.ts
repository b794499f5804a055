/** Milliseconds that a child process may live; then it is killed, and whoever waits for it told. */
const LIFETIME_MS = 240_000;

const NEWLINE = 0x0A;

/** A child process that is spoken with line by line, with nothing that takes time in between. */
export class Child implements AsyncDisposable {
  /** `performance.now()` just before it was spawned. */
  readonly spawned: number;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  readonly #deadline: ReturnType<typeof setTimeout>;
  /** What came of a line that is not whole yet. */
  #partial: Uint8Array[] = [];
  #lines: string[] = [];
  #lastId = 0;

  constructor(program: string) {
    const command = new Deno.Command(program, {
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    });
    this.spawned = performance.now();
    this.#process = command.spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#output = this.#process.stdout.getReader();
    this.#deadline = setTimeout(() => this.#kill(), LIFETIME_MS);
  }

  /** Milliseconds since it was spawned. */
  get age(): number {
    return performance.now() - this.spawned;
  }

  /** Writes one line. */
  async writeLine(line: string): Promise<void> {
    await this.#input.write(encoder.encode(`${line}\n`));
  }

  /**
   * The next line that it writes.
   *
   * @throws {Error} when it ended, by itself or by the deadline
   */
  async readLine(): Promise<string> {
    while (this.#lines.length === 0) await this.#read();
    return this.#lines.shift() ?? "";
  }

  /**
   * Reads a line that must be this one.
   *
   * @throws {Error} when it is another
   */
  async expect(line: string): Promise<void> {
    const got = await this.readLine();
    if (got !== line) throw new Error(`Cannot go on: ${JSON.stringify(got)} is not ${line}`);
  }

  /**
   * Writes lines, each as soon as fewer than `most` are unanswered, and takes one line as the answer
   * to each.
   *
   * @throws {Error} as {@link Child.readLine}
   */
  async converse(
    lines: readonly string[],
    most: number,
  ): Promise<{ ms: number; answers: string[] }> {
    const start = performance.now();
    const answers: string[] = [];
    let sent = 0;
    while (true) {
      const next = lines.slice(sent, answers.length + most);
      sent += next.length;
      if (next.length > 0) await this.writeLine(next.join("\n"));
      if (answers.length >= lines.length) break;
      answers.push(await this.readLine(), ...this.#lines.splice(0));
    }
    return { ms: performance.now() - start, answers };
  }

  /** A number for a request that no other request of this child has. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** KiB of memory that it has resident now; undefined where the system does not tell. */
  async residentKiB(): Promise<number | undefined> {
    if (Deno.build.os !== "linux") return undefined;
    const status = await Deno.readTextFile(`/proc/${this.#process.pid}/status`);
    return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#output.cancel();
    await this.#process.status;
    clearTimeout(this.#deadline);
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#output.read();
    if (done) throw new Error(`Cannot read from the child process: it ended after ${this.age} ms`);
    let start = 0;
    // Searched in each piece alone: a line of megabytes comes in many.
    for (let end = value.indexOf(NEWLINE); end >= 0; end = value.indexOf(NEWLINE, start)) {
      this.#partial.push(value.subarray(start, end));
      this.#lines.push(decode(this.#partial));
      this.#partial = [];
      start = end + 1;
    }
    if (start < value.length) this.#partial.push(value.subarray(start));
  }

  #kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}

const encoder = new TextEncoder();

function decode(pieces: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
}
