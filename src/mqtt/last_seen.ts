/**
 * The last message of each topic that was seen lately.
 *
 * @module
 */

import type { InboundMessage } from "./packets.ts";

const MOST_TOPICS = 1_000;
const MOST_BYTES = 8 * 1024 * 1024;
/** What is left of either bound when room is made. */
const SHARE_KEPT = 7 / 8;

/** Remembers up to 1,000 topics and 8 MiB; those not seen for longest are forgotten first. */
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
    if (this.#byTopic.size > MOST_TOPICS || this.#bytes > MOST_BYTES) this.#makeRoom(message.topic);
  }

  /** The last message on this topic, if it is remembered. */
  get(topic: string): InboundMessage | undefined {
    return this.#byTopic.get(topic);
  }

  /** The topics that are remembered, the one not seen for longest first. */
  topics(): string[] {
    return [...this.#byTopic.keys()];
  }

  /** Makes room for many at once: to its first key a Map walks past the places of deleted ones. */
  #makeRoom(newest: string): void {
    const [topics, bytes] = [MOST_TOPICS * SHARE_KEPT, MOST_BYTES * SHARE_KEPT];
    for (const topic of this.#byTopic.keys()) {
      const hasRoom = this.#byTopic.size <= topics && this.#bytes <= bytes;
      if (hasRoom || topic === newest) return;
      this.#forget(topic);
    }
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
