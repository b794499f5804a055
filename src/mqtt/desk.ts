/**
 * The desk at which calls take their turn to change what is subscribed at the broker: SUBSCRIBE and
 * UNSUBSCRIBE of one filter never overlap, and a filter is given up with its last user.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { type Bound, countdown } from "../wait.ts";
import { Burst } from "./burst.ts";
import type { Connection } from "./connection.ts";
import { type Entry, Ledger, type Sink } from "./ledger.ts";
import { subscribeFault } from "./limits.ts";
import type { QoS } from "./packets.ts";
import { reasonName } from "./reason_codes.ts";

/** Milliseconds that the broker has for SUBACK, UNSUBACK or PUBACK. */
export const ANSWER_TIMEOUT_MS = 10_000;

/** Gives the open connection; {@link Session.connection}. */
export type Connect = (bound: Bound) => Promise<Connection>;

/** The ledger, and the connection that it speaks of. */
export class Desk {
  /** What is subscribed, for whom. */
  readonly ledger = new Ledger();
  /** The open connection; undefined while there is none. */
  connection: Connection | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Sends SUBSCRIBE for an entry whose turn the caller has; gives the QoS granted.
   *
   * @throws {MqttSmcpError} REFUSED_BY_BROKER, BROKER_LIMIT, TIMEOUT, CANCELLED, or why the
   * connection ended.
   */
  async subscribe(
    connection: Connection,
    entry: Entry,
    qos: QoS,
    bound: Bound,
    wantRetained = true,
  ): Promise<QoS> {
    const fault = subscribeFault(connection.limits, entry);
    if (fault !== null) throw new MqttSmcpError("BROKER_LIMIT", fault);
    const stood = entry.mayStand;
    // Even when this call gives up before SUBACK.
    entry.mayStand = true;
    const subscription = { filter: entry.filter, qos, id: entry.id, wantRetained };
    const code = await connection.subscribe(subscription, bound);
    if (code !== 0 && code !== 1 && code !== 2) {
      // Of one that stood, nobody can tell whether the broker has dropped it now.
      entry.mayStand = stood;
      entry.granted = null;
      entry.inbox?.connectionLost(this.#clock.now());
      throw new MqttSmcpError(
        "REFUSED_BY_BROKER",
        `the broker refused the subscription: ${reasonName(code)}`,
        "The broker's access rules may not allow this topic filter.",
      );
    }
    entry.granted = code;
    entry.inbox?.restored(this.#clock.now());
    return code;
  }

  /**
   * Sends UNSUBSCRIBE for an entry whose turn the caller has, unless the broker cannot hold it.
   *
   * @throws {MqttSmcpError} TIMEOUT: then the broker may still hold it.
   */
  async unsubscribe(entry: Entry): Promise<void> {
    const { connection } = this;
    if (connection === undefined || !entry.mayStand) return;
    entry.granted = null;
    try {
      const bound = { clock: this.#clock, ms: ANSWER_TIMEOUT_MS };
      await connection.unsubscribe(entry.filter, bound);
      entry.mayStand = false;
    } catch (error) {
      // With the connection went the subscription, which is what was asked for.
      if (connection.failure === undefined) throw error;
    }
  }

  /** Collects the retained messages that come for an entry from now on. */
  burst(entry: Entry, sink: Sink): Burst {
    return new Burst(this.#clock, entry.retainedSinks, sink);
  }

  /**
   * As {@link Desk.use}, with the open connection. It is waited for outside the turn, which restoring
   * the filter on that connection takes itself.
   *
   * @throws {MqttSmcpError} also why there is no connection.
   */
  async useConnected<T>(
    filter: string,
    bound: Bound,
    connect: Connect,
    action: (entry: Entry, connection: Connection, release: () => void) => Promise<T>,
  ): Promise<T> {
    const left = countdown(bound);
    while (true) {
      const connection = await connect(left());
      const outcome = await this.use(filter, left(), async (entry, release) => {
        if (connection === this.connection) return { is: await action(entry, connection, release) };
        // It ended while this call waited for its turn.
        release();
        return undefined;
      });
      if (outcome !== undefined) return outcome.is;
    }
  }

  /**
   * Runs `action` in the filter's turn. The turn ends when `action` calls the function it is given,
   * or fails; with its last user, the filter is unsubscribed and forgotten.
   *
   * @throws {MqttSmcpError} BUSY when the turn does not come in time; CANCELLED; what `action` throws
   */
  async use<T>(
    filter: string,
    bound: Bound,
    action: (entry: Entry, release: () => void) => Promise<T>,
  ): Promise<T> {
    const entry = this.ledger.open(filter);
    entry.users++;
    entry.holders++;
    let endTurn = (): void => {};
    // Failing and releasing may come together, and must count once.
    let open = true;
    const release = (): void => {
      if (!open) return;
      open = false;
      entry.users--;
      this.#leaveIfLast(entry).then(() => {
        endTurn();
        entry.holders--;
        this.ledger.release(entry);
      });
    };
    try {
      endTurn = await entry.turn.acquire(bound, stillBusy);
    } catch (error) {
      this.#giveUpWaiting(entry);
      throw error;
    }
    try {
      return await action(entry, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Gives up the use of an entry whose turn never came: what is to be sent takes a turn too. */
  #giveUpWaiting(entry: Entry): void {
    const isLast = entry.users === 1 && entry.inbox === null && entry.mayStand;
    if (isLast) this.abandon(entry);
    else entry.users--;
    entry.holders--;
    this.ledger.release(entry);
  }

  /** Gives up the use of an entry that outlived the call which began it. */
  abandon(entry: Entry): void {
    entry.users--;
    const bound = { clock: this.#clock, ms: ANSWER_TIMEOUT_MS };
    // In a turn, since another call may be between SUBSCRIBE and SUBACK.
    this.use(entry.filter, bound, (_entry, release) => Promise.resolve(release()))
      .catch((error: unknown) => this.#log.debug(`leaving a filter: ${messageOf(error)}`));
  }

  /** Unsubscribes from a filter that is of no use to anybody any more. */
  async #leaveIfLast(entry: Entry): Promise<void> {
    if (entry.inbox !== null || entry.users > 0) return;
    try {
      await this.unsubscribe(entry);
    } catch (error) {
      this.#log.debug(`leaving a filter: ${messageOf(error)}`);
    }
  }
}

function stillBusy(): MqttSmcpError {
  return new MqttSmcpError("BUSY", "an earlier call on the same topic filter is still under way");
}

/** What to tell the log of a failure; an error of another kind may hold anything. */
export function messageOf(error: unknown): string {
  return error instanceof MqttSmcpError ? error.message : "unexpected error";
}
