/**
 * Subscribing, reading retained messages and unsubscribing, for many calls at once, so that none
 * disturbs another, and the restoring of what stood when a connection was lost.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { hasWildcard } from "../topic.ts";
import { type Bound, countdown } from "../wait.ts";
import { noSubscription } from "./call_errors.ts";
import type { Connection } from "./connection.ts";
import { type Connect, Desk } from "./desk.ts";
import { InboxPool } from "./inbox_pool.ts";
import type { Entry, Sink } from "./ledger.ts";
import type { InboundMessage, QoS } from "./packets.ts";
import { LONGEST_BURST_MS, restore } from "./restore.ts";
import { RetainedSet } from "./retained_set.ts";
import type { SessionObserver } from "./session.ts";
import { type StrayReport, Strays } from "./strays.ts";
import type { ListenSinks, RetainedMessages, Standing } from "./subscription_calls.ts";

/** What subscriptions are made of. */
export interface SubscriptionsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** False for a topic that no call may see; such messages are dropped on arrival. */
  readonly mayDeliver: (topic: string) => boolean;
  /** For each message that may be delivered, before anybody gets it. @default nothing */
  readonly onMessage?: Sink;
}

/** All subscriptions of this client. */
export class Subscriptions implements SessionObserver {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #mayDeliver: (topic: string) => boolean;
  readonly #onMessage: Sink;
  readonly #desk: Desk;
  readonly #strays: Strays;
  readonly #pool = new InboxPool();

  constructor(options: SubscriptionsOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#desk = new Desk(options.clock, options.log);
    this.#strays = new Strays(options.log);
    this.#mayDeliver = options.mayDeliver;
    this.#onMessage = options.onMessage ?? (() => {});
  }

  /** The standing subscriptions. */
  standing(): readonly Entry[] {
    return this.#desk.ledger.standing();
  }

  /**
   * Subscribes, or subscribes again, so that the broker sends the retained messages. A standing
   * subscription whose last result left messages behind is not subscribed again: the next page of
   * what it holds comes first.
   *
   * @throws {MqttSmcpError} REFUSED_BY_BROKER, BROKER_LIMIT, TIMEOUT, CANCELLED, or why there is no
   * connection.
   */
  async stand(
    request: { readonly filter: string; readonly qos: QoS; readonly includeRetained: boolean },
    connect: Connect,
    bound: Bound,
  ): Promise<Standing> {
    const { filter, qos, includeRetained } = request;
    const left = countdown(bound);
    this.#desk.ledger.settle(this.#clock.now());
    return await this.#desk.useConnected(
      filter,
      left(),
      connect,
      async (entry, connection, release) => {
        const known = entry.inbox;
        entry.wantsRetained = includeRetained;
        const stands = known !== null && entry.granted !== null && entry.qos === qos;
        if (stands && (known.paging || !includeRetained)) {
          release();
          return { inbox: known, qos: entry.granted ?? qos };
        }
        const inbox = entry.inbox ??= this.#pool.create();
        if (known === null) this.#strays.begin(entry);
        const endDedupe = inbox.beginBurst();
        const burst = this.#desk.burst(entry, includeRetained ? (it) => inbox.push(it) : () => {});
        const over = (): void => {
          burst.close();
          endDedupe();
          release();
        };
        try {
          const granted = await this.#desk.subscribe(
            connection,
            entry,
            qos,
            left(),
            includeRetained,
          );
          entry.qos = qos;
          const end = burst.settled(connection, { clock: this.#clock, ms: LONGEST_BURST_MS });
          end.then(over, over);
          return { inbox, qos: granted };
        } catch (error) {
          if (known === null) {
            entry.inbox = null;
            inbox.close();
          }
          over();
          throw error;
        }
      },
    );
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
    const left = countdown(bound);
    return await this.#desk.useConnected(
      filter,
      left(),
      connect,
      async (entry, connection, release) => {
        const found = new RetainedSet();
        const burst = this.#desk.burst(entry, (message) => found.add(message));
        const exact = !hasWildcard(filter);
        try {
          // Mosquitto drops most of a large burst at QoS 1; and another QoS than the standing one
          // would change the standing subscription.
          const qos = entry.inbox === null && entry.granted === null ? 0 : entry.qos;
          await this.#desk.subscribe(connection, entry, qos, left());
          const end = burst.settled(
            connection,
            { ...bound, ms: capMs },
            exact ? () => found.size > 0 : undefined,
          );
          const endedBy = await end;
          return { messages: found.messages(), endedBy, dropped: found.dropped };
        } finally {
          burst.close();
          release();
        }
      },
    );
  }

  /**
   * Gives messages under a filter to `sinks`, over reconnections too, until the returned function is
   * called; it is subscribed, with SUBACK received, when this returns.
   *
   * @throws {MqttSmcpError} as {@link Subscriptions.stand}
   */
  async listen(
    filter: string,
    qos: QoS,
    sinks: ListenSinks,
    connect: Connect,
    bound: Bound,
  ): Promise<() => void> {
    const left = countdown(bound);
    return await this.#desk.useConnected(
      filter,
      left(),
      connect,
      async (entry, connection, release) => {
        const burst = this.#desk.burst(entry, sinks.retained ?? (() => {}));
        const { live, restored } = sinks;
        entry.liveSinks.add(live);
        if (restored !== undefined) entry.restoredSinks.add(restored);
        // The listener is a user until it stops, beside this call, which is one until it returns.
        entry.users++;
        const stop = (): void => {
          if (!entry.liveSinks.delete(live)) return;
          if (restored !== undefined) entry.restoredSinks.delete(restored);
          burst.close();
          this.#desk.abandon(entry);
        };
        try {
          if (entry.granted === null) {
            // A standing subscription that could not be restored keeps the QoS it was asked for.
            if (entry.inbox === null) entry.qos = qos;
            await this.#desk.subscribe(
              connection,
              entry,
              entry.qos,
              left(),
              sinks.retained !== undefined,
            );
          } else if (sinks.retained !== undefined) {
            await this.#desk.subscribe(connection, entry, entry.qos, left());
          }
          if (sinks.retained === undefined) burst.close();
          return stop;
        } catch (error) {
          stop();
          throw error;
        } finally {
          release();
        }
      },
    );
  }

  /**
   * Ends a standing subscription; gives how many messages nobody had read yet.
   *
   * @throws {MqttSmcpError} NO_SUBSCRIPTION; TIMEOUT when the broker does not confirm: then the
   * inbox stays, with a gap that the next subscribe call ends; CANCELLED before UNSUBSCRIBE.
   */
  async drop(filter: string, bound: Bound): Promise<{ discarded: number }> {
    if (!this.#desk.ledger.find(filter)?.inbox) throw noSubscription();
    return await this.#desk.use(filter, bound, async (entry, release) => {
      const { inbox } = entry;
      try {
        if (inbox === null) throw noSubscription();
        if (entry.users === 1) await this.#unsubscribe(entry);
        entry.inbox = null;
        const discarded = inbox.hasReaders ? 0 : inbox.pending;
        inbox.close();
        return { discarded };
      } finally {
        release();
      }
    });
  }

  async #unsubscribe(entry: Entry): Promise<void> {
    try {
      await this.#desk.unsubscribe(entry);
    } catch (error) {
      // The broker may have dropped it.
      entry.inbox?.connectionLost(this.#clock.now());
      throw error;
    }
  }

  /** The messages that no subscription matched, since the last report to the same subscription. */
  strays(filter: string): StrayReport | undefined {
    const entry = this.#desk.ledger.find(filter);
    return entry === undefined ? undefined : this.#strays.report(entry);
  }

  /** Routes a message. */
  received(message: InboundMessage): void {
    if (!this.#mayDeliver(message.topic)) return;
    this.#onMessage(message);
    if (!this.#desk.ledger.route(message)) this.#strays.add(message.topic);
  }

  /** Subscribes again to all that stood, and says which of it the broker refused. */
  async connected(connection: Connection): Promise<void> {
    this.#desk.connection = connection;
    this.#strays.connected();
    const restoring = { desk: this.#desk, connection, clock: this.#clock, log: this.#log };
    await Promise.all(
      this.#desk.ledger.lasting().map(({ filter }) => restore(filter, restoring)),
    );
  }

  /** Notes the gap in every standing subscription, from when the broker was last heard. */
  lost(_cause: MqttSmcpError, lastHeardAt: number): void {
    this.#desk.connection = undefined;
    this.#desk.ledger.connectionLost(lastHeardAt);
  }
}
