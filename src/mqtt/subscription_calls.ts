/**
 * What the calls of {@link Subscriptions} take and give.
 *
 * @module
 */

import type { Inbox } from "./inbox.ts";
import type { Sink } from "./ledger.ts";
import type { InboundMessage, QoS } from "./packets.ts";

/** How a standing subscription was granted. */
export interface Standing {
  readonly inbox: Inbox;
  /** The QoS that the broker granted. */
  readonly qos: QoS;
}

/** Who is told what while it listens to a filter. */
export interface ListenSinks {
  /** Takes live messages. */
  readonly live: Sink;
  /** Takes the stored messages that the SUBSCRIBE brings. @default nobody */
  readonly retained?: Sink;
  /** Called when the filter is subscribed again after a broken connection. @default nobody */
  readonly restored?: () => void;
}

/** The answer to a reading of retained messages. */
export interface RetainedMessages {
  /** One for each topic, in the order of arrival. */
  readonly messages: readonly InboundMessage[];
  /** What ended the wait: the one message there can be, the end of the burst, or the time. */
  readonly endedBy: "exact_topic" | "burst_end" | "timeout";
  /** Messages past the bound that were dropped. */
  readonly dropped: number;
}
