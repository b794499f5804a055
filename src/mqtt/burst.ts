/**
 * The retained messages that one SUBSCRIBE brings, and how one knows that all are in.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import { type Bound, Listeners, until } from "../wait.ts";
import type { Connection } from "./connection.ts";
import type { Sink } from "./ledger.ts";
import type { InboundMessage } from "./packets.ts";

/** What ended the wait for a burst. */
export type BurstEnd = "exact_topic" | "burst_end" | "timeout";

/** Collects from its making until closed. */
export class Burst {
  readonly #clock: Clock;
  readonly #sinks: Set<Sink>;
  readonly #sink: Sink;
  readonly #arrived = new Listeners();
  #lastArrival = 0;
  #count = 0;

  /** @param sinks where to register for the messages, which then go to `sink` */
  constructor(clock: Clock, sinks: Set<Sink>, sink: Sink) {
    this.#clock = clock;
    this.#sinks = sinks;
    this.#sink = (message: InboundMessage) => {
      this.#lastArrival = message.receivedAt;
      this.#count++;
      sink(message);
      this.#arrived.notify();
    };
    sinks.add(this.#sink);
  }

  /** Takes no more messages. */
  close(): void {
    this.#sinks.delete(this.#sink);
  }

  /**
   * Waits, after SUBACK, for the end of the burst, for `complete`, or for the time.
   *
   * @throws {MqttSmcpError} CANCELLED, or why the connection ended.
   */
  async settled(connection: Connection, bound: Bound, complete?: () => boolean): Promise<BurstEnd> {
    const deadline = this.#clock.now() + bound.ms;
    let countAtPong: number | undefined;
    let failure: unknown;
    const answered = new Listeners();
    const forgetEnd = connection.onEnd((cause) => {
      failure ??= cause;
      answered.notify();
    });
    connection.ping(bound, () => {
      countAtPong = this.#count;
      this.#lastArrival = Math.max(this.#lastArrival, this.#clock.now());
      answered.notify();
    }).catch((error: unknown) => {
      failure = error;
      answered.notify();
    });
    try {
      while (true) {
        if (complete?.()) return "exact_topic";
        if (failure !== undefined && !isTimeout(failure)) throw failure;
        const now = this.#clock.now();
        const quietAt = countAtPong === undefined
          ? Infinity
          : this.#lastArrival + connection.storedOrder.quietMs;
        if (now >= quietAt) return "burst_end";
        if (now >= deadline) return "timeout";
        await until({ ...bound, ms: Math.min(quietAt, deadline) - now }, (wake) => {
          // Each arrival moves the quiet window; waking for each would cost a promise a message.
          const forgetArrival = complete === undefined ? () => {} : this.#arrived.add(wake);
          const forgetAnswer = answered.add(wake);
          return () => {
            forgetArrival();
            forgetAnswer();
          };
        });
      }
    } finally {
      forgetEnd();
      if (countAtPong !== undefined) {
        connection.storedOrder.note(countAtPong, this.#count - countAtPong);
      }
    }
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof MqttSmcpError && error.code === "TIMEOUT";
}
