/**
 * An SMCP parent for MCP hosts that do not speak SMCP: starts the server, hands it the credentials,
 * and is a transparent pipe from there on.
 *
 * Started by hosts directly, so it imports nothing that has to be fetched:
 * `deno run --no-prompt --allow-run --allow-read=/dev/fd scripts/launch.ts --help`
 *
 * @module
 */
import { writeAll } from "../src/lines.ts";
import { credentialLine } from "./launch/credentials.ts";
import { LaunchError } from "./launch/errors.ts";
import { type LaunchCommand, readLaunchFlags, USAGE } from "./launch/flags.ts";
import { introduce } from "./launch/handshake.ts";
import { ServerChild } from "./launch/server.ts";
import { readSource } from "./launch/source.ts";
import { pump } from "./launch/streams.ts";
import { fromFileUrl } from "./lib/file_url.ts";
import { print, printError } from "./lib/print.ts";

/** The signals that ask a program to end, and what its exit code is when nothing else decides. */
const STOP_SIGNALS: Partial<Record<Deno.Signal, number>> = Deno.build.os === "windows"
  ? { SIGINT: 130, SIGBREAK: 149 }
  : { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** Milliseconds that a host has, after a stop signal, to read what the server said last. */
const LAST_READ_MS = 1_000;

/** A stop signal that came before the server was ready. */
class Stopped extends Error {
  readonly exitCode: number;

  constructor(signal: Deno.Signal) {
    super(signal);
    this.exitCode = STOP_SIGNALS[signal] ?? 1;
  }
}

/** Calls what it was last told to, at each stop signal. */
class Signals {
  #handle: (signal: Deno.Signal) => void = () => {};
  /** Rejects with {@linkcode Stopped} at the first signal, as long as nothing else handles them. */
  readonly stopped: Promise<never> = new Promise((_, reject) => {
    this.#handle = (signal) => reject(new Stopped(signal));
  });

  constructor() {
    this.stopped.catch(() => {});
    for (const signal of Object.keys(STOP_SIGNALS) as Deno.Signal[]) {
      Deno.addSignalListener(signal, () => this.#handle(signal));
    }
  }

  /** From now on `handle` gets the signals. */
  passTo(handle: (signal: Deno.Signal) => void): void {
    this.#handle = handle;
  }
}

/**
 * Launches as the arguments say.
 *
 * @returns the server's exit code; 1 if it could not be started, 2 for a wrong argument, and
 *   128 + n if signal n came before it was ready
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const command = readLaunchFlags(args);
    if (command.kind === "launch") return await launch(command);
    print(USAGE);
    return 0;
  } catch (error) {
    if (error instanceof Stopped) return error.exitCode;
    if (!(error instanceof LaunchError)) throw error;
    printError(error.message);
    return error.exitCode;
  }
}

async function launch(command: LaunchCommand & { kind: "launch" }): Promise<number> {
  const signals = new Signals();
  const line = credentialLine(await readSource(command.source, signals.stopped));
  try {
    await using server = ServerChild.spawn(
      command.server ?? defaultServer(),
      command.serverArgs,
    );
    await Promise.race([introduce(server, line), signals.stopped]);
    return await connect(server, signals);
  } finally {
    line.fill(0);
  }
}

/** Passes everything on until the server has ended and all that it said has been taken. */
async function connect(server: ServerChild, signals: Signals): Promise<number> {
  const abandoned = Promise.withResolvers<void>();
  signals.passTo((signal) => {
    server.signal(signal);
    server.endAfterSignal().then(() => setTimeout(abandoned.resolve, LAST_READ_MS));
  });
  const end = (): void => void server.end();
  // Whether the host has closed its end or the server its own, there is nothing left to pass on.
  pump(Deno.stdin, server.sink).then(end, end);
  const rest = server.lines.takeRest();
  const output = writeAll(Deno.stdout, rest).then(() => pump(server.source, Deno.stdout));
  output.catch(end);
  const code = await server.exited;
  // A host that reads slowly gets the rest too; one that has gone is no error of the server's.
  await Promise.race([output.catch(() => {}), abandoned.promise]);
  return code;
}

function defaultServer(): string {
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  return fromFileUrl(new URL(`../dist/mqtt-smcp-server${suffix}`, import.meta.url));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
