/**
 * A parent with Shepherd's habits: whatever it cannot live with fails the test.
 *
 * @module
 */

import { type Inbox, within } from "./inbox.ts";
import { type Exit, type ServerKind, type ServerProcess, spawnServer } from "./server_process.ts";

/** How long Shepherd waits for +READY, for +OK and, to kill, after SIGTERM; in milliseconds. */
const READY_MS = 10_000;
const OK_MS = 5_000;
const KILL_MS = 100;
/** How long a tool call may take; Shepherd itself is more patient. */
const ANSWER_MS = 30_000;

/** How to start it. */
export interface StrictParentOptions {
  readonly credentials: Readonly<Record<string, unknown>>;
  /** Default `source`. */
  readonly kind?: ServerKind;
}

/** A tool's result as Shepherd sees it: the JSON in `content[0].text`, nothing else. */
export type ToolText = { success: boolean } & Record<string, unknown>;

/** How the server ended when it was told to. */
export interface Stop {
  readonly exit: Exit;
  /** Whether it had to be killed because it was still there 100 ms after SIGTERM. */
  readonly killed: boolean;
  /** Milliseconds from closing stdin to the end. */
  readonly ms: number;
}

/** See the module: one request, and the next line is its answer. */
export class StrictParent implements AsyncDisposable {
  /** The process, whose stderr this parent never reads. */
  readonly process: ServerProcess;
  /** What came behind the newline of +READY or +OK in the same read; this parent loses it. */
  readonly discarded: string[] = [];
  #id = 0;
  #buffer = "";

  private constructor(process: ServerProcess) {
    this.process = process;
  }

  /**
   * Spawns the server, does the handshake and MCP's `initialize` with version 2024-11-05.
   *
   * @throws Error when the server breaks any of the parent's expectations.
   */
  static async start({ credentials, kind = "source" }: StrictParentOptions): Promise<StrictParent> {
    const parent = new StrictParent(spawnServer({ kind, readStderr: false }));
    try {
      await parent.#expect("+READY", READY_MS);
      await parent.process.writeJson(credentials);
      await parent.#expect("+OK", OK_MS);
      await parent.request("initialize", {
        protocolVersion: "2024-11-05",
        capabilities: {},
        clientInfo: { name: "strict-parent", version: "1.0.0" },
      });
      await parent.process.writeJson({ jsonrpc: "2.0", method: "notifications/initialized" });
      return parent;
    } catch (error) {
      await parent[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Sends one request and takes the next line as its answer.
   *
   * @returns `result`.
   * @throws Error when a line had already come unasked, when the next one answers something else, and
   * when it is an error.
   */
  async request(method: string, params: Record<string, unknown> = {}): Promise<unknown> {
    this.#assertSilent(`before ${method}`);
    const id = ++this.#id;
    await this.process.writeJson({ jsonrpc: "2.0", id, method, params });
    const line = await this.#line(ANSWER_MS);
    const answer = JSON.parse(line);
    if (answer.id !== id) throw new Error(`Cannot take this as the answer to ${method}: ${line}`);
    if (answer.error !== undefined) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }

  /** Calls a tool and reads the text of its result. */
  async callTool(name: string, args: Record<string, string | number | boolean>): Promise<ToolText> {
    const result = await this.request("tools/call", { name, arguments: args }) as {
      content: { type: string; text: string }[];
    };
    return JSON.parse(result.content[0]?.text ?? "");
  }

  /** Closes stdin, sends SIGTERM, and kills 100 ms later. */
  async stop(): Promise<Stop> {
    const start = performance.now();
    // Not awaited: nothing may come between the two.
    const closing = this.process.closeInput();
    this.process.signal("SIGTERM");
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      this.process.signal("SIGKILL");
    }, KILL_MS);
    const exit = await this.process.exited();
    clearTimeout(timer);
    await closing;
    this.#assertSilent("at the end");
    return { exit, killed, ms: exit.at - start };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }

  async #expect(word: string, ms: number): Promise<void> {
    const line = await this.#line(ms);
    if (this.#buffer !== "") this.discarded.push(this.#buffer);
    this.#buffer = "";
    if (line !== word) throw new Error(`Cannot take this for ${word}: ${JSON.stringify(line)}`);
  }

  async #line(ms: number): Promise<string> {
    const reads: Inbox<Uint8Array> = this.process.reads;
    const read = async () => {
      while (!this.#buffer.includes("\n")) {
        this.#buffer += new TextDecoder().decode(await reads.next(ms));
      }
    };
    await within(ms, "a line of the server", read());
    const end = this.#buffer.indexOf("\n");
    const line = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end + 1);
    return line;
  }

  #assertSilent(when: string): void {
    if (this.#buffer === "" && this.process.reads.waiting === 0) return;
    const said = this.#buffer + this.process.reads.all.slice(-this.process.reads.waiting)
      .map((bytes) => new TextDecoder().decode(bytes)).join("");
    throw new Error(`Cannot go on: the server spoke unasked ${when}: ${said}`);
  }
}
