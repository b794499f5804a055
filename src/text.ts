/**
 * Text that others wrote, made fit to be shown: in an error message, a log line, a tool's result.
 *
 * @module
 */

/**
 * What must never reach an agent or a terminal raw: controls other than tab, newline and carriage
 * return; bidi controls; line and paragraph separators; the byte order mark; interlinear
 * annotation; invisible characters without a use in ordinary text (soft hyphen, zero width space,
 * fillers, word joiner, invisible operators); Unicode tags and the rest of their plane; unpaired
 * surrogates. The joiners and variation selectors of emoji and Indic scripts may pass.
 */
const UNSAFE =
  /[^\P{Cc}\t\n\r]|[\p{Bidi_Control}\p{Cs}\u00AD\u034F\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B\u2028\u2029\u2060-\u2064\u206A-\u206F\u3164\uFEFF\uFFA0\uFFF9-\uFFFB\u{E0000}-\u{E0FFF}]/u;

const EVERY_UNSAFE = new RegExp(UNSAFE.source, "gu");
const EVERY_UNSAFE_OR_BREAK = new RegExp(`${UNSAFE.source}|[\\t\\n\\r]`, "gu");

/** Outside this range, which most text stays in, nothing but a look at each character tells. */
const NOT_PLAIN = /[^\t\n\r -~]/;

/** Characters of a text that {@linkcode quote} shows. */
const QUOTED_CHARACTERS = 120;

/** Whether `text` holds characters that must never reach an agent raw. Tab and newlines may. */
export function hasUnsafeCharacters(text: string): boolean {
  return NOT_PLAIN.test(text) && UNSAFE.test(text);
}

/** `text` with its unsafe characters shown as `\u{XX}`; tab and newlines stay. */
export function escapeUnsafe(text: string): string {
  return hasUnsafeCharacters(text) ? text.replace(EVERY_UNSAFE, showCodePoint) : text;
}

/** `text` on one line: like {@linkcode escapeUnsafe}, with tab and newlines shown too. */
export function escapeLine(text: string): string {
  return text.replace(EVERY_UNSAFE_OR_BREAK, showCodePoint);
}

/**
 * `text` in single quotes for use in a message: one line, no unsafe characters, and of a long text
 * as much as 120 characters show, and the count of all.
 */
export function quote(text: string): string {
  const shown = escapeLine(text.slice(0, endWithinPairs(text, QUOTED_CHARACTERS)));
  if (text.length <= QUOTED_CHARACTERS && shown.length <= QUOTED_CHARACTERS) return `'${shown}'`;
  const head = shown.slice(0, endWithinPairs(shown, QUOTED_CHARACTERS));
  return `'${head}…' (${withThousands(text.length)} characters)`;
}

/**
 * `value` as JSON that holds no unsafe characters: those that JSON leaves raw become `\uXXXX`, so
 * that `JSON.parse` gives the same value. What JSON cannot express (`undefined`) becomes `null`.
 */
export function toSafeJson(value: unknown): string {
  const json: string = JSON.stringify(value) ?? "null";
  return hasUnsafeCharacters(json) ? json.replace(EVERY_UNSAFE, toJsonEscapes) : json;
}

/**
 * The largest end of a prefix of `text`, at most `end`, that does not cut a surrogate pair in two.
 */
export function endWithinPairs(text: string, end: number): number {
  if (end <= 0 || end >= text.length) return Math.max(0, Math.min(end, text.length));
  const isCut = isHighSurrogate(text.charCodeAt(end - 1)) && isLowSurrogate(text.charCodeAt(end));
  return isCut ? end - 1 : end;
}

/**
 * Bytes of `text` in UTF-8, counted without encoding it. An unpaired surrogate counts as three.
 * Counting stops once it has passed `limit` (default: none), with any number above `limit`.
 */
export function utf8Length(text: string, limit = Infinity): number {
  // No character takes less than one byte.
  if (text.length > limit) return text.length;
  let bytes = 0;
  for (let i = 0; i < text.length && bytes <= limit; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

/** `65535` as `65,535`. */
export function withThousands(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xD800 && unit <= 0xDBFF;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

function showCodePoint(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `\\u{${code.toString(16).toUpperCase().padStart(2, "0")}}`;
}

function toJsonEscapes(character: string): string {
  let escapes = "";
  for (let i = 0; i < character.length; i++) {
    escapes += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return escapes;
}
