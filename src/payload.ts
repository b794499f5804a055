/**
 * Payloads: the bytes of a message to and from what JSON can carry, without losing any.
 *
 * @module
 */

import { MqttSmcpError } from "./errors.ts";
import { endWithinPairs, hasUnsafeCharacters } from "./text.ts";

/** A payload as a result shows it: text, or base64 and marked so. */
export interface EncodedPayload {
  /** The text, or the bytes in base64. */
  payload: string;
  /** Present when `payload` is base64. */
  encoding?: "base64";
}

/** The beginning of a payload that was too large to show. */
export interface CutPayload extends EncodedPayload {
  truncated: true;
  /** Bytes of the whole payload. */
  size: number;
}

// ignoreBOM keeps a byte order mark as a character; without it, it would vanish from the payload.
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/**
 * `bytes` as text when they are valid UTF-8 without characters that must not reach an agent raw,
 * else as base64. {@linkcode decodePayload} gives the same bytes back.
 */
export function encodePayload(bytes: Uint8Array): EncodedPayload {
  const text = safeText(bytes);
  return text === null ? { payload: bytes.toBase64(), encoding: "base64" } : { payload: text };
}

/**
 * The bytes of `text` in `encoding`. Base64 is that of RFC 4648, section 4, padded; white space in
 * it is skipped.
 *
 * @throws {MqttSmcpError} INVALID_ARGUMENT for what is not base64, and for text with an unpaired
 * surrogate, which UTF-8 cannot express.
 */
export function decodePayload(text: string, encoding: "utf8" | "base64"): Uint8Array {
  if (encoding === "utf8") {
    if (text.isWellFormed()) return utf8.encode(text);
    throw new MqttSmcpError(
      "INVALID_ARGUMENT",
      "Cannot encode the message as UTF-8: it contains an unpaired surrogate",
      "Send the bytes as base64.",
    );
  }
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    throw new MqttSmcpError(
      "INVALID_ARGUMENT",
      "the message is not valid base64",
      "Use the alphabet A-Z a-z 0-9 + / and pad with =.",
    );
  }
}

/**
 * The longest beginning of `bytes` that takes at most `maxChars` characters inside a JSON string
 * (where a quote or a newline takes two): text that ends between characters, or base64 in whole
 * groups of four. For payloads that do not fit; it always says `truncated`.
 */
export function cutPayload(bytes: Uint8Array, maxChars: number): CutPayload {
  const rest = { truncated: true, size: bytes.length } as const;
  // One character of a string is at most three bytes of UTF-8; those of four make two characters.
  const text = safeText(bytes.subarray(0, utf8Boundary(bytes, 3 * Math.max(0, maxChars))));
  if (text !== null) return { payload: cutToJsonLength(text, maxChars), ...rest };
  const groups = Math.max(0, Math.floor(maxChars / 4));
  return { payload: bytes.subarray(0, groups * 3).toBase64(), encoding: "base64", ...rest };
}

function safeText(bytes: Uint8Array): string | null {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    return null;
  }
  return hasUnsafeCharacters(text) ? null : text;
}

/** The largest end, at most `end`, that is not inside a UTF-8 sequence. */
function utf8Boundary(bytes: Uint8Array, end: number): number {
  if (end >= bytes.length) return bytes.length;
  let boundary = end;
  while (boundary > 0 && boundary > end - 3 && isContinuation(bytes[boundary])) boundary--;
  // More continuation bytes than a sequence has: not UTF-8, and no boundary to find.
  return isContinuation(bytes[boundary]) ? end : boundary;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xC0) === 0x80;
}

/** `text` holds no unsafe characters: quote, backslash, tab and newlines are all JSON escapes. */
function cutToJsonLength(text: string, maxChars: number): string {
  let used = 0;
  let end = 0;
  for (; end < text.length; end++) {
    const character = text[end];
    const isEscaped = character === '"' || character === "\\" || character === "\n" ||
      character === "\r" || character === "\t";
    used += isEscaped ? 2 : 1;
    if (used > maxChars) break;
  }
  return text.slice(0, endWithinPairs(text, end));
}
