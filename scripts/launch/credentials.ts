import { LaunchError } from "./errors.ts";

const NEWLINE = 0x0A;
const LINE = /^([A-Z][A-Z0-9_]*)=(.*)$/;

/**
 * The one line of the SMCP handshake, newline included, that says what a credentials source said:
 * one JSON object, or lines of `KEY=value`. In the lines a value is taken as it stands, quotes and
 * blanks too; empty lines and those that start with `#` are passed over.
 *
 * @param bytes overwritten, whatever comes of it
 * @returns the caller's to overwrite; what JavaScript keeps in strings meanwhile cannot be
 * @throws {LaunchError} that repeats nothing of the source
 */
export function credentialLine(bytes: Uint8Array): Uint8Array {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw unusable("they are not UTF-8");
  } finally {
    bytes.fill(0);
  }
  const isJson = /^\s*[{["]/.test(text);
  return toLine(isJson ? parseObject(text) : parseLines(text));
}

function toLine(credentials: Record<string, unknown>): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(credentials));
  const line = new Uint8Array(json.length + 1);
  line.set(json);
  line[json.length] = NEWLINE;
  json.fill(0);
  return line;
}

/** The JSON parser's own message quotes what it read, so it goes no further. */
function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable("they start like JSON, and are not");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw unusable("they are JSON, but not an object");
  }
  return { ...value };
}

function parseLines(text: string): Record<string, string> {
  const credentials: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, key, value] = LINE.exec(line) ?? [];
    if (key === undefined || value === undefined) {
      throw unusable(`line ${index + 1} is not KEY=value (not shown, as it may be a secret)`);
    }
    if (Object.hasOwn(credentials, key)) throw unusable(`line ${index + 1} repeats a key`);
    credentials[key] = value;
  }
  if (Object.keys(credentials).length === 0) throw unusable("there are none");
  return credentials;
}

function unusable(reason: string): LaunchError {
  return new LaunchError(`Cannot use the credentials: ${reason}`);
}
