/**
 * The last message of each topic that was seen lately.
 *
 * @module
 */

import type { InboundMessage } from "./packets.ts";

const MOST_TOPICS = 1_000;
const MOST_BYTES = 8 * 1024 * 1024;

/** Remembers up to 1,000 topics and 8 MiB; the one not seen for longest is forgotten first. */
export class LastSeen {
  // A Map keeps the order of insertion, so the first key is the one not seen for longest.
  readonly #byTopic = new Map<string, InboundMessage>();
  #bytes = 0;

  /** Notes a message. One larger than the whole memory only makes its topic forgotten. */
  note(message: InboundMessage): void {
    this.#forget(message.topic);
    const size = sizeOf(message);
    if (size > MOST_BYTES) return;
    this.#byTopic.set(message.topic, message);
    this.#bytes += size;
    while (this.#byTopic.size > MOST_TOPICS || this.#bytes > MOST_BYTES) {
      const [oldest] = this.#byTopic.keys();
      if (oldest === undefined) return;
      this.#forget(oldest);
    }
  }

  /** The last message on this topic, if it is remembered. */
  get(topic: string): InboundMessage | undefined {
    return this.#byTopic.get(topic);
  }

  /** The topics that are remembered, the one not seen for longest first. */
  topics(): string[] {
    return [...this.#byTopic.keys()];
  }

  #forget(topic: string): void {
    const message = this.#byTopic.get(topic);
    if (message === undefined) return;
    this.#bytes -= sizeOf(message);
    this.#byTopic.delete(topic);
  }
}

function sizeOf(message: InboundMessage): number {
  return message.payload.length + 2 * message.topic.length;
}
