/**
 * A running server whose stdout is checked line by line and not kept.
 *
 * @module
 */

import { Inbox, within } from "../support/inbox.ts";
import {
  ROOT,
  serverCommand,
  type ServerKind,
  type ServerProcess,
} from "../support/server_process.ts";

/** The messages by which a client begins. */
export const INITIALIZE: readonly unknown[] = [
  {
    jsonrpc: "2.0",
    id: "initialize",
    method: "initialize",
    params: {
      protocolVersion: "2024-11-05",
      capabilities: {},
      clientInfo: { name: "faults", version: "1" },
    },
  },
  { jsonrpc: "2.0", method: "notifications/initialized" },
];

/** Does MCP's handshake with a server whose SMCP handshake is done. */
export async function initialize(server: ServerProcess): Promise<void> {
  for (const message of INITIALIZE) await server.writeJson(message);
  await server.lines.next();
}

/** A JSON-RPC answer. */
export interface Answer {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** How to start one. */
export interface PlainOptions {
  readonly credentials: Readonly<Record<string, unknown>>;
  readonly kind?: ServerKind;
  /** Whether stderr is read; without, see {@linkcode PlainServer.stderr}. Default true. */
  readonly readStderr?: boolean;
}

/** The product as a process; its answers are handed to `onAnswer` and forgotten. */
export class PlainServer implements AsyncDisposable {
  /** Answers that {@linkcode PlainServer.request} did not ask for. */
  readonly strays = new Inbox<Answer>("answer of the server");
  /** Lines of stdout that are no JSON object, cut. */
  readonly notJson: string[] = [];
  /** Lines read since the handshake. */
  count = 0;
  /** Bytes of stdout a second that are read. */
  readRate = Infinity;
  /** Set to take every answer before anything else does. */
  onAnswer: (answer: Answer, bytes: number) => void = () => {};
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<unknown, (answer: Answer) => void>();
  readonly #plain: PromiseWithResolvers<string>[] = [
    Promise.withResolvers(),
    Promise.withResolvers(),
  ];
  readonly exit: Promise<Deno.CommandStatus>;
  readonly #reading: Promise<unknown>;
  #over = false;
  #nextId = 0;

  private constructor({ kind = "worker", readStderr = true }: PlainOptions) {
    const [program, ...args] = serverCommand(kind);
    const env: Record<string, string> = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
    for (const name of ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "NPM_CONFIG_REGISTRY", "PATH"]) {
      const value = Deno.env.get(name);
      if (value !== undefined) env[name] = value;
    }
    this.#child = new Deno.Command(program, {
      args,
      env,
      clearEnv: true,
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#stdin.closed.catch(() => {});
    const reading = [this.#read()];
    if (readStderr) reading.push(this.#child.stderr.pipeTo(new WritableStream()));
    this.exit = this.#child.status.then(async (status) => {
      this.#over = true;
      if (!readStderr) await this.#child.stderr.cancel().catch(() => {});
      return status;
    });
    this.#reading = Promise.all(reading);
  }

  /** Spawns it and does the SMCP handshake and MCP's. */
  static async start(options: PlainOptions): Promise<PlainServer> {
    const server = new PlainServer(options);
    try {
      await within(10_000, "+READY", server.#expect(0, "+READY"));
      await server.write(`${JSON.stringify(options.credentials)}\n`);
      await within(10_000, "+OK", server.#expect(1, "+OK"));
      await server.request("initialize", {
        protocolVersion: "2024-11-05",
        capabilities: {},
        clientInfo: { name: "faults", version: "1" },
      });
      await server.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The stderr that nothing has read yet, with `readStderr: false`. */
  get stderr(): ReadableStream<Uint8Array> {
    return this.#child.stderr;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Whether the process has ended. */
  get over(): boolean {
    return this.#over;
  }

  async write(data: string | Uint8Array): Promise<void> {
    await this.#stdin.write(typeof data === "string" ? new TextEncoder().encode(data) : data);
  }

  /** Sends a request and waits for its answer, whatever else comes. */
  async request(method: string, params?: unknown, ms = 30_000): Promise<Answer> {
    const id = `own-${this.#nextId++}`;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, resolve);
    await this.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    const gone = this.exit.then(({ code }) => {
      throw new Error(`Cannot get the answer to ${method}: the server exited with ${code}`);
    });
    gone.catch(() => {});
    return await within(ms, `the answer to ${method}`, Promise.race([promise, gone]));
  }

  /** Calls a tool; gives the object in its text. */
  async call(
    name: string,
    args: Record<string, unknown>,
    ms?: number,
  ): Promise<{ success: boolean } & Record<string, unknown>> {
    const { result, error } = await this.request("tools/call", { name, arguments: args }, ms);
    if (error !== undefined) throw new Error(`${name}: ${error.message}`);
    const { content } = result as { content: { text: string }[] };
    return JSON.parse(content[0]?.text ?? "null");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.#child.kill("SIGKILL");
    await this.exit;
    await this.#reading.catch(() => {});
    await this.#stdin.abort().catch(() => {});
  }

  async #expect(index: number, word: string): Promise<void> {
    const line = await this.#plain[index]?.promise;
    if (line !== word) throw new Error(`Cannot go on: expected ${word}, got ${line}`);
  }

  async #read(): Promise<void> {
    let parts: string[] = [];
    let lines = 0;
    const decoder = new TextDecoder();
    const reader = this.#child.stdout.getReader({ mode: "byob" });
    for (;;) {
      const slow = Number.isFinite(this.readRate);
      // A tenth of a second's worth at a time.
      const size = slow ? Math.max(1, this.readRate / 10) : 65_536;
      const { value, done } = await reader.read(new Uint8Array(size));
      if (done || value === undefined) break;
      if (slow) await new Promise((resolve) => setTimeout(resolve, 100));
      const text = decoder.decode(value, { stream: true });
      let from = 0;
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
        parts.push(text.slice(from, at));
        from = at + 1;
        this.#line(lines++, parts.join(""));
        parts = [];
      }
      if (from < text.length) parts.push(text.slice(from));
    }
  }

  #line(index: number, line: string): void {
    if (index < 2) return this.#plain[index]?.resolve(line);
    this.count++;
    let answer: Answer;
    try {
      answer = JSON.parse(line);
      if (answer.jsonrpc !== "2.0") throw new Error("not JSON-RPC");
    } catch {
      this.notJson.push(line.slice(0, 200));
      return;
    }
    this.onAnswer(answer, line.length);
    const waiter = this.#waiting.get(answer.id);
    if (waiter === undefined) return this.strays.put(answer);
    this.#waiting.delete(answer.id);
    waiter(answer);
  }
}
