/**
 * The topics that one watch has seen, and their pages.
 *
 * @module
 */

import { MqttSmcpError } from "../errors.ts";
import type { InboundMessage } from "../mqtt/packets.ts";
import { cutPayload, encodePayload } from "../payload.ts";
import { toSafeJson } from "../text.ts";
import { presentTopic } from "./messages.ts";

const MOST_TOPICS = 20_000;
const MOST_CHARS = 16 * 1024 * 1024;
const LONGEST_SHOWN_PAYLOAD = 80;
/** So much of a topic name goes into a cursor. */
const CURSOR_CHARS = 100;

interface SeenTopic {
  messages: number;
  last: string;
  retained: boolean;
  live: boolean;
}

/** Where a page ended: how many names with this beginning are done, and all before them. */
export interface Cursor {
  readonly beginning: string;
  readonly done: number;
}

/** A page of topics. */
export interface TopicPage {
  readonly topics: readonly Readonly<Record<string, unknown>>[];
  /** For the next page; undefined on the last. */
  readonly next: string | undefined;
}

/** Topics by name, up to 20,000 of them and 16 Mi characters. */
export class SeenTopics {
  readonly #byTopic = new Map<string, SeenTopic>();
  #chars = 0;
  /** Messages on topics past the bound. */
  missed = 0;

  /** How many topics there are. */
  get size(): number {
    return this.#byTopic.size;
  }

  /** Whether any of them has a stored value. */
  get someRetained(): boolean {
    return this.#byTopic.values().some(({ retained }) => retained);
  }

  /** Notes a message. */
  note({ topic, payload, retain }: InboundMessage): void {
    const seen = this.#byTopic.get(topic) ?? this.#add(topic);
    if (seen === undefined) {
      this.missed++;
      return;
    }
    // Another call's SUBSCRIBE may bring the same stored value once more.
    if (retain && seen.retained) return;
    seen.messages++;
    seen.last = beginning(payload);
    if (retain) seen.retained = true;
    else seen.live = true;
  }

  /** The topics after `cursor`, sorted, as many as `limit` and `maxChars` allow. */
  page(cursor: Cursor | undefined, limit: number, maxChars: number): TopicPage {
    const names = this.#after(cursor);
    const topics: Record<string, unknown>[] = [];
    let left = maxChars;
    for (const name of names) {
      const shown = { ...presentTopic(name), ...this.#byTopic.get(name) };
      left -= toSafeJson(shown).length + 1;
      // The first always fits, or the cursor would never move on.
      if (topics.length >= limit || (left < 0 && topics.length > 0)) break;
      topics.push(shown);
    }
    const last = names[topics.length - 1];
    const more = topics.length < names.length && last !== undefined;
    return { topics, next: more ? this.#cursorAt(last) : undefined };
  }

  #add(topic: string): SeenTopic | undefined {
    if (this.#byTopic.size >= MOST_TOPICS || this.#chars + topic.length > MOST_CHARS) {
      return undefined;
    }
    const seen = { messages: 0, last: "", retained: false, live: false };
    this.#byTopic.set(topic, seen);
    this.#chars += topic.length;
    return seen;
  }

  #after(cursor: Cursor | undefined): string[] {
    const names = [...this.#byTopic.keys()].sort();
    if (cursor === undefined) return names;
    const { beginning, done } = cursor;
    const first = names.findIndex((name) => cursorPart(name) >= beginning);
    if (first < 0) return [];
    const isSame = cursorPart(names[first] ?? "") === beginning;
    return names.slice(isSame ? first + done : first);
  }

  #cursorAt(name: string): string {
    const part = cursorPart(name);
    const names = [...this.#byTopic.keys()].filter((other) =>
      cursorPart(other) === part && other <= name
    );
    const json = JSON.stringify([part, names.length]);
    return new TextEncoder().encode(json).toBase64({ alphabet: "base64url" });
  }
}

/**
 * Reads a cursor that {@link SeenTopics.page} gave.
 *
 * @throws {MqttSmcpError} INVALID_ARGUMENT
 */
export function readCursor(text: string): Cursor {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const [beginning, done]: unknown[] = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof beginning === "string" && Number.isInteger(done)) {
      return { beginning, done: done as number };
    }
  } catch {
    // Whatever is wrong with it, it is no cursor.
  }
  throw new MqttSmcpError("INVALID_ARGUMENT", "cursor is not a next_cursor of an earlier result");
}

function cursorPart(name: string): string {
  // Also inside a surrogate pair: only plain cutting keeps the parts in the order of the names.
  return name.slice(0, CURSOR_CHARS);
}

function beginning(payload: Uint8Array): string {
  const { payload: text, encoding } = payload.length <= LONGEST_SHOWN_PAYLOAD
    ? encodePayload(payload)
    : cutPayload(payload, LONGEST_SHOWN_PAYLOAD);
  if (encoding === "base64") return `(${payload.length} bytes)`;
  return payload.length <= LONGEST_SHOWN_PAYLOAD ? text : `${text}…`;
}
