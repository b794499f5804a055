/**
 * The retained messages that one call collects.
 *
 * @module
 */

import { INBOX_BOUNDS } from "./inbox.ts";
import type { InboundMessage } from "./packets.ts";

/** Retained messages, one a topic, within the bounds of an inbox. */
export class RetainedSet {
  readonly #byTopic = new Map<string, InboundMessage>();
  #bytes = 0;
  /** Messages past the bound. */
  dropped = 0;

  /** How many topics there are. */
  get size(): number {
    return this.#byTopic.size;
  }

  /** Adds a message, in the place of an earlier one on its topic. */
  add(message: InboundMessage): void {
    const known = this.#byTopic.get(message.topic);
    this.#bytes += message.payload.length - (known?.payload.length ?? 0);
    const full = this.#byTopic.size >= INBOX_BOUNDS.messages || this.#bytes > INBOX_BOUNDS.bytes;
    if (full && this.#byTopic.size > 0) {
      this.#bytes -= message.payload.length - (known?.payload.length ?? 0);
      this.dropped++;
    } else {
      this.#byTopic.set(message.topic, message);
    }
  }

  /** One message for each topic, in the order of arrival. */
  messages(): InboundMessage[] {
    return [...this.#byTopic.values()];
  }
}
