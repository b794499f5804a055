import { systemClock } from "../../src/clock.ts";
import { LineReader, writeAll } from "../../src/lines.ts";
import { until } from "../../src/wait.ts";
import { LaunchError } from "./errors.ts";
import { MAX_LINE_BYTES, type ServerStreams } from "./handshake.ts";
import { StreamSink, StreamSource } from "./streams.ts";

/** Milliseconds from asking the server to end to asking harder. It needs 100. */
const GRACE_MS = 1_000;

/** The server's process, as its SMCP parent has it. */
export class ServerChild implements ServerStreams, AsyncDisposable {
  readonly lines: LineReader;
  /** The server's stdout; what `lines` has read of it is not in it. */
  readonly source: StreamSource;
  /** The server's stdin. */
  readonly sink: StreamSink;
  /** Its exit code, 128 + n if signal n ended it. */
  readonly exited: Promise<number>;
  readonly #process: Deno.ChildProcess;
  #hasExited = false;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.source = new StreamSource(process.stdout);
    this.sink = new StreamSink(process.stdin);
    this.lines = new LineReader(this.source, { maxBytes: MAX_LINE_BYTES });
    this.exited = process.status.then(({ code }) => {
      this.#hasExited = true;
      return code;
    });
  }

  /**
   * Starts the server with nothing in its environment. Its stderr is the launcher's own.
   *
   * @throws {LaunchError} when it cannot be started
   */
  static spawn(program: string, args: readonly string[]): ServerChild {
    const env = necessaryEnvironment();
    try {
      const command = new Deno.Command(program, {
        args: [...args],
        clearEnv: true,
        env,
        stdin: "piped",
        stdout: "piped",
        stderr: "inherit",
      });
      return new ServerChild(command.spawn());
    } catch (error) {
      const reason = error instanceof Deno.errors.NotFound
        ? "there is no such program; make it with `deno task compile`, or name it with --server"
        : "it is not a program that may be run here";
      throw new LaunchError(`Cannot start the server ${program}: ${reason}`);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.sink, bytes);
  }

  /** Passes a signal on; Windows knows none, where the end of stdin says the same. */
  signal(signal: Deno.Signal): void {
    if (this.#hasExited) return;
    try {
      this.#process.kill(signal);
    } catch {
      void this.sink.close();
    }
  }

  /** Closes the server's stdin, and asks harder after a second, twice. Resolves when it has ended. */
  async end(): Promise<void> {
    void this.sink.close();
    for (const harder of ["SIGTERM", "SIGKILL"] as const) {
      if (await this.#exitsWithinGrace()) return;
      this.signal(harder);
    }
    await this.exited;
  }

  /** Kills the server if it has not ended within a second. Resolves when it has ended. */
  async endAfterSignal(): Promise<void> {
    if (!await this.#exitsWithinGrace()) this.signal("SIGKILL");
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.source.cancel();
  }

  async #exitsWithinGrace(): Promise<boolean> {
    const bound = { clock: systemClock, ms: GRACE_MS };
    return await until(bound, (wake) => {
      this.exited.then(wake);
      return () => {};
    });
  }
}

/** Without SystemRoot no program on Windows can open a socket. */
function necessaryEnvironment(): Record<string, string> {
  if (Deno.build.os !== "windows") return {};
  try {
    return { SystemRoot: Deno.env.get("SystemRoot") ?? "C:\\Windows" };
  } catch {
    throw new LaunchError("Cannot start the server: on Windows give --allow-env=SystemRoot too");
  }
}
