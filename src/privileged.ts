/**
 * The privileged half: flags, handshake from `+READY` on, configuration. It then starts the confined
 * half, gives up its own network permission, and from there on only passes signals and exit codes.
 *
 * @module
 */

import { systemClock } from "./clock.ts";
import { type Config, parseConfig, secretsOf } from "./config.ts";
import { type Confined, startHere, startWorker } from "./confined.ts";
import { messageOf } from "./confinement.ts";
import { HandshakeError } from "./errors.ts";
import { readFlags, TERMINAL_HINT } from "./flags.ts";
import {
  acceptCredentials,
  type HandshakeStreams,
  MAX_CREDENTIAL_LINE_BYTES,
  receiveCredentials,
  rejectCredentials,
} from "./handshake.ts";
import { LineReader, writeAll } from "./lines.ts";
import { Logger } from "./log.ts";
import { until, withDeadline } from "./wait.ts";

/** Milliseconds that the confined half has to load, well inside the parent's 5 s for +OK. */
const LOAD_MS = 4_000;
/** Milliseconds from a signal to the exit, whatever the broker does; parents kill after 100. */
const STOP_MS = 80;
/** Milliseconds for the last lines of the log. */
const FLUSH_MS = 50;

const utf8 = new TextEncoder();

/** The confined half: its module, and, once it is there, itself. */
interface Half {
  readonly worker: URL;
  confined?: Confined;
}

/**
 * Runs until the program is to end. `+READY` must have been said, unless there are arguments.
 *
 * @param worker the confined half's module
 * @param stopSignal resolves at the first signal that asks to stop
 * @returns the exit code
 */
export async function runPrivilegedHalf(
  args: readonly string[],
  worker: URL,
  stopSignal: Promise<void>,
): Promise<number> {
  const command = readFlags(args);
  if (command.kind === "print") {
    await writeAll(Deno.stdout, utf8.encode(command.text));
    return 0;
  }
  if (command.kind === "refuse") {
    await writeAll(Deno.stderr, utf8.encode(command.text));
    return 2;
  }
  if (Deno.stdin.isTerminal()) await writeAll(Deno.stderr, utf8.encode(TERMINAL_HINT));
  const streams: HandshakeStreams = {
    lines: new LineReader(Deno.stdin, { maxBytes: MAX_CREDENTIAL_LINE_BYTES }),
    write: (bytes) => writeAll(Deno.stdout, bytes),
  };
  const half: Half = { worker };
  return await Promise.race([
    serve(streams, half),
    stopSignal.then(() => half.confined === undefined ? 0 : stop(half.confined)),
  ]);
}

async function serve(streams: HandshakeStreams, half: Half): Promise<number> {
  let log = new Logger({ sink: Deno.stderr, level: "INFO" });
  let confined: Confined;
  try {
    const { config, unknownKeys } = parseConfig(await receiveCredentials(streams));
    log = new Logger({ sink: Deno.stderr, level: config.logLevel, secrets: secretsOf(config) });
    if (unknownKeys.length > 0) log.warning("unknown credentials", unknownKeys.join(", "));
    confined = await startConfined(half.worker, config, streams.lines.takeRest(), log);
    half.confined = confined;
    await acceptCredentials(streams);
  } catch (error) {
    return await refuse(streams, log, error);
  }
  confined.begin();
  try {
    await confined.ended;
    return 0;
  } catch (error) {
    log.error("the confined half failed", messageOf(error));
    await log.flush(FLUSH_MS);
    return 1;
  }
}

async function startConfined(
  module: URL,
  config: Config,
  rest: Uint8Array,
  log: Logger,
): Promise<Confined> {
  if (Deno.build.standalone || await mayRead(module)) {
    const confined = await withinLoadTime(startWorker(module, config, rest));
    // What this process could still reach, it can reach no more.
    await Deno.permissions.revoke({ name: "net" });
    // Without being asked, Deno lets a program import from some hosts.
    await Deno.permissions.revoke({ name: "import" });
    return confined;
  }
  log.warning(
    "run from source without read permission: the network is confined by the flags only",
  );
  return await withinLoadTime(startHere(config, rest));
}

async function mayRead(module: URL): Promise<boolean> {
  const { state } = await Deno.permissions.query({ name: "read", path: new URL(".", module) });
  return state === "granted";
}

function withinLoadTime(loading: Promise<Confined>): Promise<Confined> {
  const bound = { clock: systemClock, ms: LOAD_MS };
  return withDeadline(bound, loading, () => new Error("it did not load in time"));
}

async function refuse(streams: HandshakeStreams, log: Logger, error: unknown): Promise<number> {
  const reason = error instanceof HandshakeError
    ? error
    : new HandshakeError("INTERNAL", "the server could not be loaded");
  if (reason !== error) log.error("cannot load the confined half", messageOf(error));
  // A parent that is gone cannot be told.
  await rejectCredentials(streams, reason).catch(() => {});
  await log.flush(FLUSH_MS);
  return 1;
}

async function stop(confined: Confined): Promise<number> {
  confined.stop();
  await until({ clock: systemClock, ms: STOP_MS }, (wake) => {
    confined.ended.then(wake, wake);
    return () => {};
  });
  return 0;
}
