/**
 * Whether a broker may have left stored values out.
 *
 * @module
 */

import type { InboundMessage } from "../mqtt/packets.ts";

/**
 * Mosquitto queues up to `max_queued_messages` of QoS 1 and 2 for a client, and leaves out what is
 * past that without a word: of 20,000 stored values 1,020 were seen to come. Its default is 1,000,
 * and was 100.
 */
const MOST_CERTAIN = 100;

const DOUBT = "stored values of QoS 1 or 2 may be missing: some brokers leave out what is past a " +
  "bound; get_retained reads all while nothing is subscribed to this very filter";

/** Counts the stored values that are sent in the way that some brokers bound. */
export class Doubt {
  #queued = 0;

  /** Notes a message. */
  note({ retain, qos }: InboundMessage): void {
    if (retain && qos > 0) this.#queued++;
  }

  /** What to say of it; undefined when there is no doubt. */
  get words(): string | undefined {
    return this.#queued > MOST_CERTAIN ? DOUBT : undefined;
  }
}

/** What to say of these messages; undefined when there is no doubt. */
export function doubtOn(messages: readonly InboundMessage[]): string | undefined {
  const doubt = new Doubt();
  for (const message of messages) doubt.note(message);
  return doubt.words;
}
