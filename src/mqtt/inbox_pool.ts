/**
 * The bound that all inboxes keep together, however many subscriptions stand.
 *
 * @module
 */

import { Inbox, INBOX_BOUNDS } from "./inbox.ts";

/** Bytes that all inboxes together hold at most; a message in several of them counts in each. */
const MOST_BYTES = 256 * 1024 * 1024;

/** The inboxes of one client. */
export class InboxPool {
  readonly #most: number;
  readonly #inboxes = new Set<Inbox>();
  #bytes = 0;

  /** @param most bytes that they may hold together */
  constructor(most = MOST_BYTES) {
    this.#most = most;
  }

  /** Makes an inbox that is part of the pool until it is closed. */
  create(): Inbox {
    const inbox = new Inbox(INBOX_BOUNDS, this);
    this.#inboxes.add(inbox);
    return inbox;
  }

  /** An inbox has grown, or with a negative number shrunk. */
  grew(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Has the largest inbox drop its oldest messages, until all keep the bound. */
  keepBound(): void {
    while (this.#bytes > this.#most) {
      let largest: Inbox | undefined;
      for (const inbox of this.#inboxes) {
        if (inbox.bytes > (largest?.bytes ?? 0)) largest = inbox;
      }
      if (largest === undefined) return;
      largest.dropOldest();
    }
  }

  /** Takes a closed inbox out. */
  leave(inbox: Inbox): void {
    if (this.#inboxes.delete(inbox)) this.#bytes -= inbox.bytes;
  }
}
