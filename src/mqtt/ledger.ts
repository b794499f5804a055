/**
 * The ledger of subscriptions: which filters are subscribed, for whom, and which message is whose.
 * Pure bookkeeping; the desk does the talking with the broker.
 *
 * @module
 */

import { matches, parseFilter } from "../topic.ts";
import { TopicIndex } from "../topic_index.ts";
import { Mutex } from "../wait.ts";
import { CopyDetector } from "./copies.ts";
import type { Inbox } from "./inbox.ts";
import type { InboundMessage, QoS } from "./packets.ts";

/** So many filters that were given up lately are remembered. */
const MOST_FORMER = 100;

/** Takes messages. */
export type Sink = (message: InboundMessage) => void;

/** One topic filter that is, or is about to be, subscribed at the broker. */
export interface Entry {
  /** As it goes into SUBSCRIBE, `$share/group/` included. */
  readonly filter: string;
  /** What topic names are matched with. */
  readonly matched: string;
  readonly shared: boolean;
  /** Subscription Identifier, MQTT 5 section 3.8.2.1.2. */
  readonly id: number;
  /** SUBSCRIBE and UNSUBSCRIBE of one filter take turns, or one would undo the other. */
  readonly turn: Mutex;
  /** The standing subscription's buffer; null while only passing calls use the filter. */
  inbox: Inbox | null;
  /** False when the last subscribe call did not want stored messages. */
  wantsRetained: boolean;
  /** The QoS that was asked for last by a call that outlives its answer. */
  qos: QoS;
  /** The QoS of the SUBACK on this connection; null when it is not known to be subscribed there. */
  granted: QoS | null;
  /** True when it may be subscribed there: from SUBSCRIBE until UNSUBACK, answers lost or not. */
  mayStand: boolean;
  /** Calls and listeners that want the filter now. */
  users: number;
  /** Calls that still hold it, of which some may only wait for their UNSUBACK. */
  holders: number;
  /** Who wants the retained messages that a SUBSCRIBE under way brings. */
  readonly retainedSinks: Set<Sink>;
  /** Who else wants live messages. */
  readonly liveSinks: Set<Sink>;
  /** Who wants to know that it is subscribed again after a broken connection. */
  readonly restoredSinks: Set<() => void>;
}

/** Whether an entry has to outlive a connection. */
export function isLasting({ inbox, liveSinks }: Entry): boolean {
  return inbox !== null || liveSinks.size > 0;
}

/** Finds the subscriptions of each message. */
export class Ledger {
  readonly #byFilter = new Map<string, Entry>();
  readonly #byId = new Map<number, Entry>();
  readonly #index = new TopicIndex<Entry>();
  #copies = new CopyDetector();
  #former: string[] = [];
  #lastId = 0;

  /** The entry for this filter, made when there is none. */
  open(filter: string): Entry {
    const known = this.#byFilter.get(filter);
    if (known !== undefined) return known;
    const { group, filter: matched } = parseFilter(filter);
    const entry: Entry = {
      filter,
      matched,
      shared: group !== null,
      id: ++this.#lastId,
      turn: new Mutex(),
      inbox: null,
      wantsRetained: true,
      qos: 0,
      granted: null,
      mayStand: false,
      users: 0,
      holders: 0,
      retainedSinks: new Set(),
      liveSinks: new Set(),
      restoredSinks: new Set(),
    };
    this.#byFilter.set(filter, entry);
    this.#byId.set(entry.id, entry);
    this.#index.add(matched, entry);
    return entry;
  }

  /** The entry for this filter, if there is one. */
  find(filter: string): Entry | undefined {
    return this.#byFilter.get(filter);
  }

  /** Forgets an entry that nobody uses; nothing when somebody does. */
  release(entry: Entry): void {
    if (entry.users > 0 || entry.holders > 0 || entry.inbox !== null) return;
    if (this.#byFilter.get(entry.filter) !== entry) return;
    this.#byFilter.delete(entry.filter);
    this.#byId.delete(entry.id);
    this.#index.delete(entry.matched, entry);
    this.#former = [...this.#former, entry.matched].slice(-MOST_FORMER);
  }

  /** The entries with a standing subscription, in the order of their making. */
  standing(): Entry[] {
    return [...this.#byFilter.values()].filter((entry) => entry.inbox !== null);
  }

  /** The entries that have to outlive a connection. */
  lasting(): Entry[] {
    return [...this.#byFilter.values()].filter(isLasting);
  }

  /** The connection is gone, and with it, in a clean session, every subscription. */
  connectionLost(at: number): void {
    // They came before the gap.
    this.#routeLate(this.#copies.close());
    for (const entry of this.#byFilter.values()) {
      entry.granted = null;
      entry.mayStand = false;
      entry.inbox?.connectionLost(at);
    }
    this.#copies = new CopyDetector();
  }

  /**
   * Gives a message to everybody whose it is.
   *
   * @returns false when it cannot have come of any subscription, present or lately given up
   */
  route(message: InboundMessage): boolean {
    const identified = message.subscriptionIds.length > 0;
    const entries = identified
      ? message.subscriptionIds.map((id) => this.#byId.get(id)).filter((entry) =>
        entry !== undefined
      )
      : this.#index.match(message.topic);
    if (message.retain) {
      const wanting = entries.filter(({ retainedSinks }) => retainedSinks.size > 0);
      // Unidentified, it comes of the SUBSCRIBE of any matching filter: of one that waits for it.
      const takers = identified || wanting.length === 0 ? entries : wanting;
      for (const entry of takers) routeRetained(entry, message);
    } else if (identified) {
      routeLive(entries, message);
    } else {
      for (const it of this.#withoutCopies(message, entries)) {
        routeLive(it === message ? entries : this.#index.match(it.topic), it);
      }
    }
    return identified || entries.length > 0 ||
      this.#former.some((filter) => matches(filter, message.topic));
  }

  /**
   * Gives to everybody whose they are the messages that were withheld as possible copies for as long
   * as it takes, so that who reads now finds them.
   *
   * @param now milliseconds since 1970
   */
  settle(now: number): void {
    this.#routeLate(this.#copies.overdue(now));
  }

  #routeLate(messages: readonly InboundMessage[]): void {
    for (const it of messages) routeLive(this.#index.match(it.topic), it);
  }

  #withoutCopies(message: InboundMessage, entries: readonly Entry[]): readonly InboundMessage[] {
    // An entry that only waits for its turn brings no copies; one without SUBACK may.
    const subscribed = entries.filter(({ mayStand }) => mayStand);
    // Of a shared subscription, the copy may go to another client.
    const certain = subscribed.every(({ granted, shared }) => granted !== null && !shared);
    return this.#copies.admit(message, subscribed.map(({ id }) => id), certain);
  }
}

function routeLive(entries: readonly Entry[], message: InboundMessage): void {
  for (const entry of entries) {
    entry.inbox?.push(message);
    for (const sink of entry.liveSinks) sink(message);
  }
}

function routeRetained(entry: Entry, message: InboundMessage): void {
  // A straggler, come after its burst was taken for over, still belongs to the standing subscription.
  if (entry.retainedSinks.size === 0 && entry.wantsRetained) entry.inbox?.push(message);
  for (const sink of entry.retainedSinks) sink(message);
}
