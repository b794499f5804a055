/**
 * Subscribing again, on a new connection, to what stood on the one before.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { until } from "../wait.ts";
import type { Connection } from "./connection.ts";
import { ANSWER_TIMEOUT_MS, type Desk, messageOf } from "./desk.ts";
import { isLasting } from "./ledger.ts";

/** The longest that a burst of retained messages is waited for behind a call's back. */
export const LONGEST_BURST_MS = 5_000;

/** Milliseconds until a subscription that the broker did not answer for is tried again. */
const RETRY_MS = 30_000;

/** Where and with what to restore. */
export interface Restoring {
  readonly desk: Desk;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Subscribes again to a filter, in its turn, so that no call's stored messages get mixed up with it;
 * says in the log when that fails. What it brings in stored messages is dropped. Where the broker did
 * not answer, it is tried again, as long as this connection lasts and somebody wants the filter.
 */
export async function restore(filter: string, restoring: Restoring): Promise<void> {
  const { desk, connection, clock, log } = restoring;
  const bound = { clock, ms: ANSWER_TIMEOUT_MS };
  try {
    await desk.use(filter, bound, async (entry, release) => {
      // Meanwhile nobody may want it any more, or the connection may be gone.
      if (desk.connection !== connection || !isLasting(entry)) return release();
      // Stored copies would crowd out live messages, and the next subscribe call asks for them anyway.
      const burst = desk.burst(entry, () => {});
      const over = (): void => {
        burst.close();
        release();
      };
      try {
        await desk.subscribe(connection, entry, entry.qos, bound, false);
      } catch (error) {
        burst.close();
        throw error;
      }
      for (const restored of entry.restoredSinks) restored();
      burst.settled(connection, { clock, ms: LONGEST_BURST_MS }).then(over, over);
    });
  } catch (error) {
    log.warning(`a standing subscription was not restored: ${messageOf(error)}`);
    if (isWorthRetrying(error)) restoreLater(filter, restoring);
  }
}

function isWorthRetrying(error: unknown): boolean {
  return error instanceof MqttSmcpError && (error.code === "TIMEOUT" || error.code === "BUSY");
}

function restoreLater(filter: string, restoring: Restoring): void {
  const { connection, clock } = restoring;
  until({ clock, ms: RETRY_MS }, (wake) => connection.onEnd(wake))
    .then((isOver) => isOver ? undefined : restore(filter, restoring));
}
