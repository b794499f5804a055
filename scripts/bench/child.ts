/** Milliseconds that a child process may live; then it is killed, and whoever waits for it told. */
const LIFETIME_MS = 60_000;

/** A child process that is spoken with line by line, with nothing that takes time in between. */
export class Child implements AsyncDisposable {
  /** `performance.now()` just before it was spawned. */
  readonly spawned: number;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  readonly #deadline: ReturnType<typeof setTimeout>;
  readonly #decoder = new TextDecoder();
  #buffer = "";
  #id = 0;

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
    let end = this.#buffer.indexOf("\n");
    while (end < 0) {
      const { done, value } = await this.#output.read();
      if (done) {
        throw new Error(`Cannot read from the child process: it ended after ${this.age} ms`);
      }
      this.#buffer += this.#decoder.decode(value, { stream: true });
      end = this.#buffer.indexOf("\n");
    }
    const line = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end + 1);
    return line;
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
   * Does the rest of the SMCP handshake, `+READY` being read, and MCP's `initialize`.
   *
   * @throws {Error} when the server answers something else
   */
  async connect(credentials: Readonly<Record<string, unknown>>): Promise<void> {
    await this.writeLine(JSON.stringify(credentials));
    await this.expect("+OK");
    await this.request("initialize", {
      protocolVersion: "2024-11-05",
      capabilities: {},
      clientInfo: { name: "bench", version: "1.0.0" },
    });
    await this.writeLine('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  /**
   * Sends an MCP request and waits for its answer.
   *
   * @throws {Error} when the answer is an error
   */
  async request(method: string, params: unknown): Promise<Record<string, unknown>> {
    const id = ++this.#id;
    await this.writeLine(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    const line = await this.readLine();
    const answer = JSON.parse(line);
    if (answer.id !== id || answer.error !== undefined) throw new Error(`${method}: ${line}`);
    return answer.result;
  }

  /**
   * Calls a tool.
   *
   * @throws {Error} when the call did not succeed
   */
  async call(name: string, args: Readonly<Record<string, unknown>>): Promise<void> {
    const result = await this.request("tools/call", { name, arguments: args });
    if (result.isError === true) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
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

  #kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}

const encoder = new TextEncoder();
