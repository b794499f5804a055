import { type Clock, systemClock } from "../../src/clock.ts";
import type { LineReader } from "../../src/lines.ts";
import { escapeLine } from "../../src/text.ts";
import { withDeadline } from "../../src/wait.ts";
import { LaunchError } from "./errors.ts";

/** Milliseconds that a server has for +READY and then for +OK, as SMCP's parents give it. */
const READY_MS = 10_000;
const OK_MS = 5_000;

/** Longest line of a server before MCP begins. */
export const MAX_LINE_BYTES = 64 * 1024;

/** The server's end of the handshake. */
export interface ServerStreams {
  /** Lines from the server, bounded by {@linkcode MAX_LINE_BYTES}. */
  readonly lines: LineReader;
  /** Writes all of `bytes` to the server. */
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * The parent's side of SMCP: waits for `+READY`, hands over the credentials, waits for `+OK`. What
 * the server writes after that stays in `server.lines`.
 *
 * @param line the credentials with their newline; overwritten, whatever comes of it
 * @throws {LaunchError} with the server's own words if it refuses the credentials
 */
export async function introduce(
  server: ServerStreams,
  line: Uint8Array,
  clock: Clock = systemClock,
): Promise<void> {
  try {
    await expectLine(server, "+READY", { clock, ms: READY_MS });
    // A server that ends instead of reading says why in its answer.
    const written = server.write(line).catch(() => {});
    await expectLine(server, "+OK", { clock, ms: OK_MS });
    await written;
  } finally {
    line.fill(0);
  }
}

async function expectLine(
  server: ServerStreams,
  expected: "+READY" | "+OK",
  bound: { clock: Clock; ms: number },
): Promise<void> {
  const line = await withDeadline(
    bound,
    server.lines.next(),
    () => failed(`it did not say ${expected} within ${bound.ms / 1000} s`),
  );
  if (line === null) throw failed(`it ended before it said ${expected}`);
  const text = "bytes" in line ? new TextDecoder().decode(line.bytes).replace(/\r$/, "") : "";
  if (line.kind === "line" && text === expected) return;
  if (text.startsWith("+ERR")) {
    throw new LaunchError(`The server refuses the credentials: ${escapeLine(text.slice(5))}`);
  }
  // What it said instead is not shown: a program that is no server may repeat what it is given.
  throw failed(`it does not speak SMCP: it said something else than ${expected}`);
}

function failed(reason: string): LaunchError {
  return new LaunchError(`Cannot start the server: ${reason}`);
}
