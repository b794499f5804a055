/**
 * The desk at which calls take their turn to change what is subscribed at the broker: SUBSCRIBE and
 * UNSUBSCRIBE of one filter never overlap, and a filter is given up with its last user.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Bound } from "../wait.ts";
import { Burst } from "./burst.ts";
import type { Connection } from "./connection.ts";
import { type Entry, forgetGrant, Ledger, type Sink } from "./ledger.ts";
import { subscribeFault } from "./limits.ts";
import type { QoS } from "./packets.ts";
import { reasonName } from "./reason_codes.ts";

/** Milliseconds that the broker has for SUBACK, UNSUBACK or PUBACK. */
export const ANSWER_TIMEOUT_MS = 10_000;

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
    // From now on the broker may hold it, even when this call gives up before SUBACK.
    entry.granted ??= qos;
    const subscription = { filter: entry.filter, qos, id: entry.id, wantRetained };
    const code = await connection.subscribe(subscription, bound);
    if (code !== 0 && code !== 1 && code !== 2) {
      forgetGrant(entry);
      throw new MqttSmcpError(
        "REFUSED_BY_BROKER",
        `the broker refused the subscription: ${reasonName(code)}`,
        "The broker's access rules may not allow this topic filter.",
      );
    }
    entry.granted = code;
    entry.confirmed = true;
    return code;
  }

  /** Collects the retained messages that come for an entry from now on. */
  burst(entry: Entry, sink: Sink): Burst {
    return new Burst(this.#clock, entry.retainedSinks, sink);
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
      return await action(entry, release);
    } catch (error) {
      release();
      throw error;
    }
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
    if (entry.inbox !== null || entry.users > 0 || entry.granted === null) return;
    forgetGrant(entry);
    const bound = { clock: this.#clock, ms: ANSWER_TIMEOUT_MS };
    try {
      await this.connection?.unsubscribe(entry.filter, bound);
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
