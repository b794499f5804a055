/**
 * A broker's program in a process group of its own, which ends with the test whatever happens to that.
 *
 * @module
 */

import { Inbox, PATIENCE_MS, within } from "../support/inbox.ts";
import { findProgram } from "../support/tools.ts";

/** How long a broker may take to start, in milliseconds; those on Erlang need several seconds. */
const START_MS = 60_000;

/**
 * Runs the command beside a shell that waits for the end of its input: when the test closes it, or is
 * itself killed, the whole group goes.
 */
const WATCHDOG = '"$@" 2>&1 & exec >/dev/null 2>&1; read -r _; kill -KILL 0';

/** What to run. */
export interface DaemonOptions {
  /** For messages. */
  readonly name: string;
  /** The program, looked for on PATH unless it is a path, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Further environment variables. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Working folder. @default the test's */
  readonly cwd?: string;
  /** The lines of its output that must all have come before it is ready. */
  readonly ready: readonly RegExp[];
}

/** A running program; see the module. */
export class Daemon implements AsyncDisposable {
  /** Every line of its stdout and stderr. */
  readonly log: Inbox<string>;
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  private constructor(name: string, process: Deno.ChildProcess) {
    this.#name = name;
    this.#process = process;
    this.log = new Inbox<string>(`line of ${name}`);
    this.#reading = this.#read();
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @throws Error with its last words when it ends instead, or takes too long.
   */
  static async start({ name, command, env, cwd, ready }: DaemonOptions): Promise<Daemon> {
    const [program, ...args] = command;
    const path = program.startsWith("/") ? program : findProgram(program);
    if (path === undefined) throw new Error(`Cannot start ${name}: it is not installed`);
    const process = new Deno.Command("sh", {
      args: ["-c", WATCHDOG, "sh", path, ...args],
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
    }).spawn();
    const daemon = new Daemon(name, process);
    try {
      for (const line of ready) await daemon.log.find((it) => line.test(it), START_MS);
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      const words = daemon.log.all.slice(-20).join("\n");
      throw new Error(`Cannot start ${name}:\n${words}`, { cause: error });
    }
  }

  /**
   * What the first group of `pattern` holds in the first line that matches.
   *
   * @throws Error when no line so far does.
   */
  said(pattern: RegExp): string {
    for (const line of this.log.all) {
      const [, found] = pattern.exec(line) ?? [];
      if (found !== undefined) return found;
    }
    throw new Error(`Cannot find ${pattern} in what ${this.#name} said`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stdin.close();
    await within(PATIENCE_MS, `${this.#name} to end`, this.#process.status);
    await within(PATIENCE_MS, `${this.#name} to close its output`, this.#reading);
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.log.put(line);
    }
    this.log.close(`${this.#name} has ended`);
  }
}
