/**
 * Subscribing, reading retained messages and unsubscribing, for many calls at once, so that none
 * disturbs another, and the restoring of what stood when a connection was lost.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Bound } from "../wait.ts";
import { Burst } from "./burst.ts";
import type { Connection } from "./connection.ts";
import { Inbox, type InboxBounds } from "./inbox.ts";
import { type Entry, Ledger, type Sink } from "./ledger.ts";
import { subscribeFault } from "./limits.ts";
import type { InboundMessage, QoS } from "./packets.ts";
import { reasonName } from "./reason_codes.ts";
import type { SessionObserver } from "./session.ts";

/** Milliseconds that the broker has for SUBACK, UNSUBACK or PINGRESP. */
export const ANSWER_TIMEOUT_MS = 10_000;

/** Bounds of each standing subscription's buffer. */
export const INBOX_BOUNDS: InboxBounds = { messages: 10_000, bytes: 32 * 1024 * 1024 };

/** The longest that a burst of retained messages is waited for behind a call's back. */
const LONGEST_BURST_MS = 5_000;

/** Gives the open connection; {@link Session.connection}. */
export type Connect = (bound: Bound) => Promise<Connection>;

/** What subscriptions are made of. */
export interface SubscriptionsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** False for a topic that no call may see; such messages are dropped on arrival. */
  readonly mayDeliver: (topic: string) => boolean;
}

/** How a standing subscription was granted. */
export interface Standing {
  readonly inbox: Inbox;
  /** The QoS that the broker granted. */
  readonly qos: QoS;
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

/** All subscriptions of this client. */
export class Subscriptions implements SessionObserver {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #mayDeliver: (topic: string) => boolean;
  readonly #ledger = new Ledger();
  #connection: Connection | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#mayDeliver = options.mayDeliver;
  }

  /** The standing subscriptions. */
  standing(): readonly Entry[] {
    return this.#ledger.standing();
  }

  /**
   * Subscribes, or subscribes again, so that the broker sends the retained messages. A standing
   * subscription whose last result left messages behind is not subscribed again: the next page of
   * what it holds comes first.
   *
   * @throws {MqttSmcpError} REFUSED_BY_BROKER, BROKER_LIMIT, TIMEOUT, CANCELLED, or why there is no
   * connection.
   */
  async stand(filter: string, qos: QoS, connect: Connect, bound: Bound): Promise<Standing> {
    return await this.#use(filter, bound, async (entry, release) => {
      const connection = await connect(bound);
      const known = entry.inbox;
      if (known?.paging && entry.granted !== null && entry.qos === qos) {
        release();
        return { inbox: known, qos: entry.granted };
      }
      const inbox = entry.inbox ??= new Inbox(INBOX_BOUNDS);
      const endDedupe = inbox.beginBurst();
      const burst = this.#burst(entry, (message) => inbox.push(message));
      const over = (): void => {
        burst.close();
        endDedupe();
        release();
      };
      try {
        const granted = await this.#subscribe(connection, entry, qos, bound);
        entry.qos = qos;
        inbox.restored(this.#clock.now());
        const end = burst.settled(connection, { clock: this.#clock, ms: LONGEST_BURST_MS });
        end.then(over, over);
        return { inbox, qos: granted };
      } catch (error) {
        if (known === null) entry.inbox = null;
        this.#leave(entry, connection).then(over);
        throw error;
      }
    });
  }

  /**
   * The retained messages under a filter, without disturbing a standing subscription to it.
   *
   * @param capMs the longest wait after SUBACK, in milliseconds
   * @throws {MqttSmcpError} as {@link Subscriptions.stand}
   */
  async retained(
    filter: string,
    capMs: number,
    connect: Connect,
    bound: Bound,
  ): Promise<RetainedMessages> {
    return await this.#use(filter, bound, async (entry, release) => {
      const connection = await connect(bound);
      const found = new RetainedSet();
      const burst = this.#burst(entry, (message) => found.add(message));
      const exact = !/[+#]/.test(filter);
      try {
        // Mosquitto drops most of a large burst at QoS 1; and another QoS than the standing one
        // would change the standing subscription.
        await this.#subscribe(connection, entry, entry.inbox === null ? 0 : entry.qos, bound);
        const end = burst.settled(
          connection,
          { ...bound, ms: capMs },
          exact ? () => found.size > 0 : undefined,
        );
        const endedBy = await end;
        return { messages: found.messages(), endedBy, dropped: found.dropped };
      } finally {
        burst.close();
        this.#leave(entry, connection).then(release);
      }
    });
  }

  /**
   * Gives live messages under a filter to `sink` until the returned function is called; it is
   * subscribed, with SUBACK received, when this returns.
   *
   * @throws {MqttSmcpError} as {@link Subscriptions.stand}
   */
  async listen(
    filter: string,
    qos: QoS,
    sink: Sink,
    connect: Connect,
    bound: Bound,
  ): Promise<() => void> {
    return await this.#use(filter, bound, async (entry, release) => {
      const connection = await connect(bound);
      const burst = this.#burst(entry, () => {});
      entry.liveSinks.add(sink);
      entry.users++;
      let listening = true;
      const stop = (): void => {
        if (!listening) return;
        listening = false;
        entry.liveSinks.delete(sink);
        entry.users--;
        // A turn of its own: another call may be between SUBSCRIBE and SUBACK on this filter.
        this.#use(filter, { clock: this.#clock, ms: ANSWER_TIMEOUT_MS }, async (again, done) => {
          await this.#leave(again, connection);
          done();
        }).catch((error: unknown) => this.#log.debug(`leaving a filter: ${messageOf(error)}`));
      };
      try {
        if (entry.granted === null) await this.#subscribe(connection, entry, qos, bound);
        return stop;
      } catch (error) {
        stop();
        throw error;
      } finally {
        burst.close();
        release();
      }
    });
  }

  /**
   * Ends a standing subscription; gives how many messages nobody had read yet.
   *
   * @throws {MqttSmcpError} NO_SUBSCRIPTION; TIMEOUT when the broker does not confirm, in which
   * case the subscription stands; CANCELLED.
   */
  async drop(filter: string, bound: Bound): Promise<{ discarded: number }> {
    if (!this.#ledger.find(filter)?.inbox) throw noSubscription();
    return await this.#use(filter, bound, async (entry, release) => {
      const { inbox } = entry;
      try {
        if (inbox === null) throw noSubscription();
        const connection = this.#connection;
        if (entry.granted !== null && entry.users === 1 && connection?.failure === undefined) {
          await connection?.unsubscribe(entry.filter, bound).catch((error: unknown) => {
            // With the connection went the subscription, which is what was asked for.
            if (connection.failure === undefined) throw error;
          });
          entry.granted = null;
        }
        entry.inbox = null;
        const discarded = inbox.hasReaders ? 0 : inbox.pending;
        inbox.close();
        return { discarded };
      } finally {
        release();
      }
    });
  }

  /** Routes a message. */
  received(message: InboundMessage): void {
    if (this.#mayDeliver(message.topic)) this.#ledger.route(message);
  }

  /** Subscribes again to all that stood, and says which of it the broker refused. */
  async connected(connection: Connection): Promise<void> {
    this.#connection = connection;
    await Promise.all(this.#ledger.standing().map((entry) => this.#restore(entry, connection)));
  }

  /** Notes the gap in every standing subscription. */
  lost(): void {
    this.#connection = undefined;
    this.#ledger.connectionLost(this.#clock.now());
  }

  async #restore(entry: Entry, connection: Connection): Promise<void> {
    // Stored copies would crowd out live messages, and the next subscribe call asks for them anyway.
    const burst = this.#burst(entry, () => {});
    const bound = { clock: this.#clock, ms: ANSWER_TIMEOUT_MS };
    try {
      await this.#subscribe(connection, entry, entry.qos, bound, false);
      entry.inbox?.restored(this.#clock.now());
      const over = (): void => burst.close();
      burst.settled(connection, { clock: this.#clock, ms: LONGEST_BURST_MS }).then(over, over);
    } catch (error) {
      burst.close();
      this.#log.warning(`a standing subscription was not restored: ${messageOf(error)}`);
    }
  }

  async #subscribe(
    connection: Connection,
    entry: Entry,
    qos: QoS,
    bound: Bound,
    wantRetained = true,
  ): Promise<QoS> {
    const fault = subscribeFault(connection.limits, {
      filter: entry.matched,
      shared: entry.shared,
    });
    if (fault !== null) throw new MqttSmcpError("BROKER_LIMIT", fault);
    // From now on the broker may hold it, even when this call gives up before SUBACK.
    entry.granted ??= qos;
    const code = await connection.subscribe(
      { filter: entry.filter, qos, id: entry.id, wantRetained },
      bound,
    );
    if (code !== 0 && code !== 1 && code !== 2) {
      entry.granted = null;
      throw new MqttSmcpError(
        "REFUSED_BY_BROKER",
        `the broker refused the subscription: ${reasonName(code)}`,
        "The broker's access rules may not allow this topic filter.",
      );
    }
    entry.granted = code;
    return code;
  }

  #burst(entry: Entry, sink: Sink): Burst {
    return new Burst(this.#clock, entry.retainedSinks, sink);
  }

  /** Unsubscribes from a filter that nobody else uses; failures end with the connection. */
  async #leave(entry: Entry, connection: Connection): Promise<void> {
    if (entry.inbox !== null || entry.users > 1 || entry.granted === null) return;
    entry.granted = null;
    try {
      await connection.unsubscribe(entry.filter, { clock: this.#clock, ms: ANSWER_TIMEOUT_MS });
    } catch (error) {
      this.#log.debug(`leaving a filter: ${messageOf(error)}`);
    }
  }

  /**
   * Runs `action` in the filter's turn. The turn ends when `action` calls the function it is given,
   * or fails; the entry is forgotten with its last user.
   */
  async #use<T>(
    filter: string,
    bound: Bound,
    action: (entry: Entry, release: () => void) => Promise<T>,
  ): Promise<T> {
    const entry = this.#ledger.open(filter);
    entry.users++;
    let endTurn: (() => void) | undefined;
    // Failing and releasing may come together, and must count once.
    let open = true;
    const release = (): void => {
      if (!open) return;
      open = false;
      endTurn?.();
      entry.users--;
      this.#ledger.release(entry);
    };
    try {
      endTurn = await entry.turn.acquire(
        bound,
        () =>
          new MqttSmcpError("BUSY", "an earlier call on the same topic filter is still under way"),
      );
      return await action(entry, release);
    } catch (error) {
      release();
      throw error;
    }
  }
}

/** Retained messages, one a topic, within the bounds of an inbox. */
class RetainedSet {
  readonly #byTopic = new Map<string, InboundMessage>();
  #bytes = 0;
  dropped = 0;

  get size(): number {
    return this.#byTopic.size;
  }

  add(message: InboundMessage): void {
    const known = this.#byTopic.get(message.topic);
    this.#bytes += message.payload.length - (known?.payload.length ?? 0);
    const full = this.#byTopic.size >= INBOX_BOUNDS.messages || this.#bytes > INBOX_BOUNDS.bytes;
    if (known === undefined && full && this.#byTopic.size > 0) {
      this.#bytes -= message.payload.length;
      this.dropped++;
    } else {
      this.#byTopic.set(message.topic, message);
    }
  }

  messages(): InboundMessage[] {
    return [...this.#byTopic.values()];
  }
}

function noSubscription(): MqttSmcpError {
  return new MqttSmcpError(
    "NO_SUBSCRIPTION",
    "there is no standing subscription to this topic filter",
    "A subscription is made by the subscribe tool and named by the same topic filter.",
  );
}

function messageOf(error: unknown): string {
  return error instanceof MqttSmcpError ? error.message : "unexpected error";
}
