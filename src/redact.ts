/**
 * Secrets kept out of text, in every form that a library is likely to put them in.
 *
 * @module
 */

import { escapeLine, quote, toSafeJson } from "./text.ts";

/** What stands in place of a secret. */
const HIDDEN = "[hidden]";
/** Hiding shorter ones would tell more, by where they are missing, than it hides. */
const MIN_SECRET_CHARACTERS = 3;
/** A line of a PEM shorter than this is not worth recognising. */
const MIN_LINE_CHARACTERS = 16;
/** The same for the part of a secret that is legible in the base64 of a longer text. */
const MIN_BASE64_CHARACTERS = 8;

/**
 * Replaces secrets by `[hidden]`: each as it is, in JSON, URL-encoded, in base64 (also amid other
 * bytes), escaped for the log, and line by line where it has lines of 16 characters or more.
 * Secrets of one or two characters are not looked for.
 */
export class Redactor {
  /** Longest first. */
  readonly #forms: readonly string[];

  constructor(secrets: readonly string[]) {
    const forms = new Set<string>();
    for (const secret of secrets) {
      for (const form of formsOf(secret)) {
        if (form.length >= MIN_SECRET_CHARACTERS) forms.add(form);
      }
    }
    this.#forms = [...forms].sort((a, b) => b.length - a.length);
  }

  /** `text` with every secret in it hidden; where two overlap, both of them. */
  redact(text: string): string {
    const spans: { start: number; end: number }[] = [];
    for (const form of this.#forms) {
      // One further each time, not past the hit: a secret may overlap itself.
      for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) {
        spans.push({ start: at, end: at + form.length });
      }
    }
    if (spans.length === 0) return text;
    spans.sort((a, b) => a.start - b.start || b.end - a.end);
    let redacted = "";
    let shown = 0;
    for (const { start, end } of spans) {
      if (start >= shown) redacted += text.slice(shown, start) + HIDDEN;
      shown = Math.max(shown, end);
    }
    return redacted + text.slice(shown);
  }
}

function formsOf(secret: string): string[] {
  if (secret.length < MIN_SECRET_CHARACTERS) return [];
  const lines = secret.split(/[\r\n]+/).map((line) => line.trim());
  const texts = [secret];
  if (lines.length > 1) {
    texts.push(secret.trim());
    texts.push(...lines.filter((l) => l.length >= MIN_LINE_CHARACTERS && !l.startsWith("-----")));
  }
  return texts.flatMap((text) => [
    text,
    JSON.stringify(text).slice(1, -1),
    toSafeJson(text).slice(1, -1),
    escapeLine(text),
    shortened(text),
    ...urlForms(text),
    ...base64Forms(new TextEncoder().encode(text)),
  ]);
}

/** A long text as an error message quotes it: only its beginning. */
function shortened(text: string): string {
  const quoted = quote(text);
  return quoted.endsWith("'") ? quoted.slice(1, -1) : quoted.slice(1, quoted.lastIndexOf("…"));
}

function urlForms(text: string): string[] {
  const encoded = encodeURIComponent(text.toWellFormed());
  const lowerCase = encoded.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
  return [encoded, lowerCase, encodeURI(text.toWellFormed()), encoded.replaceAll("%20", "+")];
}

function base64Forms(bytes: Uint8Array): string[] {
  const whole = bytes.toBase64();
  const forms = [whole, whole.replace(/=+$/, "")];
  // Amid other bytes ("user:password" of HTTP), three alignments; the characters at either end
  // depend on the neighbours and stay.
  for (let before = 0; before < 3; before++) {
    const padded = new Uint8Array(before + bytes.length);
    padded.set(bytes, before);
    const start = Math.ceil(before * 4 / 3);
    const core = padded.toBase64().slice(start, Math.floor(padded.length * 4 / 3));
    if (core.length >= MIN_BASE64_CHARACTERS) forms.push(core);
  }
  return forms.flatMap((f) => [f, f.replaceAll("+", "-").replaceAll("/", "_")]);
}
