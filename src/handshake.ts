/**
 * The SMCP handshake (protocol v0.2) from `+READY` on, and nothing of what comes after it.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";
import { HandshakeError } from "./errors.ts";
import type { Line, LineReader } from "./lines.ts";
import { escapeLine } from "./text.ts";

/** Longest credential line, without its newline. */
export const MAX_CREDENTIAL_LINE_BYTES = 1024 * 1024;

const TIMEOUT_MS = 5_000;
const utf8 = new TextEncoder();

/** The two streams of the handshake. */
export interface HandshakeStreams {
  /** Lines from the parent, bounded by {@linkcode MAX_CREDENTIAL_LINE_BYTES}. */
  readonly lines: LineReader;
  /** Writes all of `bytes` to the parent. */
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * Waits for the one line of credentials, after `+READY`. The bytes of that line are overwritten
 * as soon as they are parsed, whatever comes of it. After a timeout, a read of `streams.lines`
 * is still under way: the process has to end.
 *
 * @default options.timeoutMs 5,000
 * @throws {HandshakeError} TIMEOUT, NO_INPUT, INVALID_JSON or INVALID_FORMAT.
 */
export async function receiveCredentials(
  streams: HandshakeStreams,
  options: { timeoutMs?: number; clock?: Clock } = {},
): Promise<Record<string, unknown>> {
  const { timeoutMs = TIMEOUT_MS, clock = systemClock } = options;
  const line = await nextLine(streams.lines, timeoutMs, clock);
  try {
    return parseLine(line);
  } finally {
    wipe(line, streams.lines);
  }
}

/** Says `+OK`: the server is ready for MCP. */
export function acceptCredentials(streams: HandshakeStreams): Promise<void> {
  return streams.write(utf8.encode("+OK\n"));
}

/** Says `+ERR` and why, in one line. */
export function rejectCredentials(streams: HandshakeStreams, error: HandshakeError): Promise<void> {
  return streams.write(utf8.encode(`+ERR ${escapeLine(error.message)}\n`));
}

function nextLine(lines: LineReader, timeoutMs: number, clock: Clock): Promise<Line | null> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const cancel = clock.after(timeoutMs, () => {
      isLate = true;
      reject(new HandshakeError("TIMEOUT"));
    });
    lines.next().then((line) => {
      cancel();
      if (isLate) wipe(line, lines);
      else resolve(line);
    }, () => {
      cancel();
      // A stream that fails ends without a line.
      reject(new HandshakeError("NO_INPUT"));
    });
  });
}

function wipe(line: Line | null, lines: LineReader): void {
  if (line !== null && "bytes" in line) line.bytes.fill(0);
  lines.wipe();
}

function parseLine(line: Line | null): Record<string, unknown> {
  if (line === null || line.kind === "partial") throw new HandshakeError("NO_INPUT");
  if (line.kind === "too_long") throw new HandshakeError("INVALID_FORMAT");
  const value = parseJson(line.bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HandshakeError("INVALID_FORMAT");
  }
  return { ...value };
}

/** The parser's own message quotes what it read, so it goes no further. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new HandshakeError("INVALID_JSON");
  }
}
