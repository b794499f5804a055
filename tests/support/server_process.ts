/**
 * The product itself, as a process of its own.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Inbox, PATIENCE_MS, within } from "./inbox.ts";
import { isFile, requireAll } from "./tools.ts";

/**
 * From source with `deno run --allow-net`; the same with read permission for src, so that the
 * confined half runs in a worker; or the binary that `deno compile` made.
 */
export type ServerKind = "source" | "worker" | "compiled";

/** The two that are handed to users: most tests must hold on either. */
export const SERVER_KINDS: readonly ServerKind[] = ["source", "compiled"];

/** URL of the checkout's folder, with a slash at its end. */
export const ROOT_URL = new URL("../../", import.meta.url).href;

/** Folder of the checkout, with a slash at its end, and no other separator than slashes. */
export const ROOT = fileURLToPath(ROOT_URL).replaceAll("\\", "/");

/** Whether this system can ask a process to end by a signal. */
export const HAS_SIGNALS = Deno.build.os !== "windows";

/** How to spawn the product. */
export interface SpawnOptions {
  /** Default `source`. */
  readonly kind?: ServerKind;
  /** Command-line arguments. Default: none. */
  readonly args?: readonly string[];
  /** False leaves stderr unread, as Shepherd does: 64 KiB of it fit into the pipe. Default true. */
  readonly readStderr?: boolean;
  /** Put in front of the command, such as `["strace", "-f"]`. Default: nothing. */
  readonly wrapper?: readonly string[];
  /** Further environment variables. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folder with main.ts, with a slash at its end; not for `compiled`. Default: this checkout. */
  readonly root?: string;
}

/** How a process ended. */
export interface Exit {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  /** `performance.now()` at that moment. */
  readonly at: number;
}

/** One running server process, seen from its parent. */
export class ServerProcess implements AsyncDisposable {
  /** What each read of stdout brought: tells what came in the same breath. */
  readonly reads = new Inbox<Uint8Array>("read of the server's stdout");
  /** Whole lines of stdout, without the newline. */
  readonly lines = new Inbox<string>("line on the server's stdout");
  /** Whole lines of stderr; with `readStderr: false` what the pipe held at the end. */
  readonly stderrLines = new Inbox<string>("line on the server's stderr");
  /** Settles when the process has ended and its output has been read. */
  readonly exit: Promise<Exit>;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stdout: ReadableStreamDefaultReader<Uint8Array>;
  readonly #stderr: { text: string } = { text: "" };
  #stdoutText = "";
  #over = false;

  constructor(command: Deno.Command, readStderr: boolean) {
    this.#child = command.spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#stdin.closed.catch(() => {});
    this.#stdout = this.#child.stdout.getReader();
    this.exit = this.#watch(readStderr);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Everything read from stdout so far. */
  get stdoutText(): string {
    return this.#stdoutText;
  }

  /** Everything read from stderr so far; see `stderrLines`. */
  get stderrText(): string {
    return this.#stderr.text;
  }

  /** Writes to the server's stdin; rejects when the server has closed it. */
  async write(data: string | Uint8Array): Promise<void> {
    await this.#stdin.write(typeof data === "string" ? new TextEncoder().encode(data) : data);
  }

  /** Writes one value as a line of JSON. */
  async writeJson(value: unknown): Promise<void> {
    await this.write(`${JSON.stringify(value)}\n`);
  }

  /** Closes the server's stdin. */
  async closeInput(): Promise<void> {
    await this.#stdin.close().catch(() => {});
  }

  /** Closes the parent's end of the server's stdout, as a parent that died would. */
  async closeOutput(): Promise<void> {
    await this.#stdout.cancel().catch(() => {});
  }

  /**
   * Sends a signal; one that comes too late is no error. Windows has none that a process could answer:
   * there any but SIGKILL does nothing.
   */
  signal(signal: Deno.Signal): void {
    if (!HAS_SIGNALS && signal !== "SIGKILL") return;
    try {
      this.#child.kill(signal);
    } catch {
      // The process has ended already.
    }
  }

  /** Waits until the process has ended; with the code 128+n when a signal ended it. */
  exited(ms: number = PATIENCE_MS): Promise<Exit> {
    return within(ms, "the server to exit", this.exit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.signal("SIGKILL");
    await this.closeInput();
    await this.exit;
  }

  async #watch(readStderr: boolean): Promise<Exit> {
    const readErrors = () => readText(this.#child.stderr, this.stderrLines, this.#stderr);
    const reading = [this.#readOutput()];
    if (readStderr) reading.push(readErrors());
    const { code, signal } = await this.#child.status;
    const at = performance.now();
    this.#over = true;
    if (!readStderr) reading.push(readErrors());
    await Promise.all(reading);
    await this.#stdin.abort().catch(() => {});
    return { code, signal, at };
  }

  async #readOutput(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for (let read = await this.#stdout.read(); !read.done; read = await this.#stdout.read()) {
      const text = decoder.decode(read.value, { stream: true });
      this.#stdoutText += text;
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      this.reads.put(read.value);
      for (const line of parts) this.lines.put(line);
    }
    for (const inbox of [this.lines, this.reads]) inbox.close("the server has closed its stdout");
  }
}

/** Credentials for a broker on this machine. */
export function credentialsFor(
  broker: { readonly hostname: string; readonly port: number },
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { MQTT_BROKER: broker.hostname, MQTT_PORT: broker.port, ...more };
}

/** Path of the compiled binary: MQTT_SMCP_BINARY, else the one in dist/; it may not exist. */
export function compiledBinary(): string {
  return Deno.env.get("MQTT_SMCP_BINARY") ?? `${ROOT}dist/mqtt-smcp-server`;
}

/** The `ignore` of a test of `kind`: true without a binary, but never under REQUIRE_ALL=1. */
export function ignoreKind(kind: ServerKind): boolean {
  return kind === "compiled" && !requireAll() && !isFile(compiledBinary());
}

/** Program and arguments that start the product. */
export function serverCommand(
  kind: ServerKind,
  root: string = ROOT,
): [program: string, ...args: string[]] {
  if (kind === "compiled") return [compiledBinary()];
  const flags = ["--allow-net", ...(kind === "worker" ? [`--allow-read=${root}src`] : [])];
  return [Deno.execPath(), "run", ...flags, `${root}main.ts`];
}

/** Spawns the product, with nothing in its environment but what Deno's module cache needs. */
export function spawnServer(options: SpawnOptions = {}): ServerProcess {
  const { kind = "source", wrapper = [], args = [], root } = options;
  return spawnCommand([...wrapper, ...serverCommand(kind, root), ...args], kind, options);
}

/** Spawns a command of any shape, in the environment that {@linkcode spawnServer} gives. */
export function spawnCommand(
  command: readonly string[],
  kind: ServerKind,
  { env = {}, readStderr = true }: Pick<SpawnOptions, "env" | "readStderr"> = {},
): ServerProcess {
  const [program = "", ...args] = command;
  const options: Deno.CommandOptions = {
    args,
    cwd: ROOT,
    clearEnv: true,
    env: { ...systemEnvironment(), ...(kind === "compiled" ? {} : cacheEnvironment()), ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  };
  return new ServerProcess(new Deno.Command(program, options), readStderr);
}

/**
 * Registers one test for each kind, named after it; the one of the compiled binary is skipped where
 * there is none. Default: the kinds that are handed to users.
 */
export function testEachKind(
  name: string,
  run: (kind: ServerKind) => Promise<void>,
  options: { readonly ignore?: boolean; readonly kinds?: readonly ServerKind[] } = {},
): void {
  for (const kind of options.kinds ?? SERVER_KINDS) {
    Deno.test({
      name: `${name} (${kind})`,
      ignore: options.ignore === true || ignoreKind(kind),
      fn: () => run(kind),
    });
  }
}

/** What no process can do without on Windows; nothing elsewhere. */
function systemEnvironment(): Record<string, string> {
  return Deno.build.os === "windows" ? environment(["SYSTEMROOT", "TEMP", "TMP"]) : {};
}

function cacheEnvironment(): Record<string, string> {
  const names = ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "NPM_CONFIG_REGISTRY", "PATH"];
  const windows = ["LOCALAPPDATA", "APPDATA", "USERPROFILE"];
  return {
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    ...environment(Deno.build.os === "windows" ? [...names, ...windows] : names),
  };
}

/** Those of these variables that are set. */
function environment(names: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of names) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

async function readText(
  stream: ReadableStream<Uint8Array>,
  lines: Inbox<string>,
  whole: { text: string },
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    whole.text += text;
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) lines.put(line);
  }
  lines.close("the server has closed its stderr");
}
