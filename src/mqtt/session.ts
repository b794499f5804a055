/**
 * Keeps one connection to the broker alive: connects, tells callers what is wrong, connects again.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { type Bound, Listeners, until } from "../wait.ts";
import { Backoff, failsFast, nudgeAfterMs, STABLE_MS } from "./backoff.ts";
import { closing } from "./call_errors.ts";
import { suspectTakeover } from "./causes.ts";
import { type Connection, openConnection } from "./connection.ts";
import type { Endpoint } from "./dial.ts";
import type { InboundMessage, ProtocolVersion } from "./packets.ts";

/** Milliseconds for one attempt, from the first packet to CONNACK. */
export const CONNECT_TIMEOUT_MS = 8_000;

/** The longest that a call waits for a connection, in milliseconds. */
export const CONNECTION_WAIT_MS = 10_000;

/** What a session tells the owner of the subscriptions. */
export interface SessionObserver {
  /** For each message, in the order of arrival. */
  received(message: InboundMessage): void;
  /** After CONNACK; calls wait until this has settled. */
  connected(connection: Connection): Promise<void>;
  /** When a connection that stood has ended. */
  lost(cause: MqttSmcpError, lastHeardAt: number): void;
}

/** What a session is made of. */
export interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly version: "auto" | ProtocolVersion;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: SessionObserver;
  /** Numbers from 0 to 1. @default Math.random */
  readonly random?: () => number;
  /** @default openConnection */
  readonly open?: typeof openConnection;
}

/** Where the session stands; times in milliseconds since 1970. */
export type SessionState =
  | { readonly kind: "connecting"; readonly since: number }
  | { readonly kind: "connected"; readonly since: number; readonly connection: Connection }
  | { readonly kind: "waiting"; readonly since: number; readonly until: number }
  | { readonly kind: "closed"; readonly since: number };

/** The supervisor of the connection; connects from {@link Session.start} until closed. */
export class Session {
  readonly #options: SessionOptions;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #changed = new Listeners();
  readonly #closing = new AbortController();
  #state: SessionState;
  #lastError: MqttSmcpError | undefined;
  #lastFailureAt = -Infinity;
  #version: ProtocolVersion;
  /** True once a broker has accepted this version: then a mere close is no reason to doubt it. */
  #versionProven = false;
  /** A connection whose subscriptions are being restored. */
  #restoring: Connection | undefined;
  /** Connections in a row that were closed, without a reason given, soon after CONNACK. */
  #quickLosses = 0;
  #skipWait: () => void = () => {};
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#backoff = new Backoff(options.random ?? Math.random);
    this.#version = options.version === "3.1.1" ? "3.1.1" : "5";
    this.#state = { kind: "connecting", since: options.clock.now() };
  }

  /** Where the session stands now. */
  get state(): SessionState {
    return this.#state;
  }

  /** Why the last attempt failed or the last connection ended; kept until the next success. */
  get lastError(): MqttSmcpError | undefined {
    return this.#lastError;
  }

  /** Begins to connect. */
  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * The connection, as soon as there is one with its subscriptions restored; it is waited for as long
   * as the bound says, and {@link CONNECTION_WAIT_MS} at the longest. A cause that waiting
   * cannot cure is thrown at once; a call during a pause between attempts brings the next forward.
   *
   * @throws {MqttSmcpError} the cause when the time is over; CLOSING; CANCELLED.
   */
  async connection(bound: Bound): Promise<Connection> {
    const deadline = this.#clock.now() + Math.min(bound.ms, CONNECTION_WAIT_MS);
    while (true) {
      const state = this.#state;
      if (state.kind === "connected" && state.connection.failure === undefined) {
        return state.connection;
      }
      if (state.kind === "closed") throw closing();
      const now = this.#clock.now();
      if (now >= deadline) throw this.#lastError ?? stillConnecting(now - state.since);
      const nudgeInMs = state.kind === "waiting" ? this.#nudge() : Infinity;
      const ms = Math.min(deadline - now, nudgeInMs);
      await until({ ...bound, ms }, (wake) => this.#changed.add(wake));
    }
  }

  /** Disconnects, waiting up to `ms` milliseconds for the broker, and stays closed. */
  async close(ms: number): Promise<void> {
    await (this.#closed ??= this.#closeOnce(ms));
  }

  async #closeOnce(ms: number): Promise<void> {
    const state = this.#state;
    this.#enter({ kind: "closed", since: this.#clock.now() });
    this.#closing.abort();
    const connection = state.kind === "connected" ? state.connection : this.#restoring;
    await connection?.close(ms);
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#enter({ kind: "connecting", since: this.#clock.now() });
      const pauseMs = await this.#connectOnce();
      if (this.#closing.signal.aborted) return;
      await this.#pause(pauseMs);
    }
  }

  /** One connection, from its start to its end; gives the milliseconds to pause afterwards. */
  async #connectOnce(): Promise<number> {
    const { observer, log } = this.#options;
    let connection: Connection;
    try {
      connection = await this.#openAnyVersion();
    } catch (error) {
      const cause = this.#fail(error);
      if (!this.#closing.signal.aborted) log.warning(`cannot connect: ${cause.message}`);
      return this.#backoff.afterFailure(cause);
    }
    const ended = new Promise<MqttSmcpError>((resolve) => connection.onEnd(resolve));
    // Nobody may use the connection before what stood on the last one stands on this one.
    this.#restoring = connection;
    await Promise.race([observer.connected(connection), ended]);
    this.#restoring = undefined;
    if (connection.failure === undefined) {
      log.info(`connected with MQTT ${connection.version}`);
      this.#lastError = undefined;
      this.#enter({ kind: "connected", since: connection.since, connection });
    }
    const reason = await ended;
    const livedMs = this.#clock.now() - connection.since;
    const cause = this.#fail(this.#judgeLoss(connection, reason, livedMs));
    // A peer that went silent was gone before anybody noticed.
    const silent = cause.code === "KEEPALIVE_TIMEOUT" || cause.code === "CONNECT_TIMEOUT";
    observer.lost(cause, silent ? connection.lastHeardAt : this.#clock.now());
    if (!this.#closing.signal.aborted) log.warning(`connection lost: ${cause.message}`);
    return this.#backoff.afterLoss(cause, livedMs);
  }

  /** Many brokers do not say that a client id was taken over: they only close, again and again. */
  #judgeLoss(connection: Connection, cause: MqttSmcpError, livedMs: number): MqttSmcpError {
    // Some brokers close on a publish that they do not like: that is no take-over.
    const quick = cause.code === "CONNECTION_CLOSED" && livedMs < STABLE_MS &&
      !connection.endedBusy;
    this.#quickLosses = quick ? this.#quickLosses + 1 : 0;
    return this.#quickLosses > 1 ? suspectTakeover() : cause;
  }

  /** With MQTT_VERSION=auto, MQTT 5 first, and 3.1.1 with a broker that does not take that. */
  async #openAnyVersion(): Promise<Connection> {
    try {
      return await this.#openProving(this.#version);
    } catch (error) {
      if (this.#options.version !== "auto" || !this.#suggestsOtherVersion(error)) throw error;
      const other = this.#version === "5" ? "3.1.1" : "5";
      try {
        // A mere close may have had another cause: then the next attempt begins with MQTT 5 again.
        return error instanceof MqttSmcpError && error.code === "VERSION_NOT_SUPPORTED"
          ? await this.#openProving(other)
          : await this.#open(other);
      } catch (second) {
        // The second attempt tells the better cause, unless it only complains of the version again.
        throw this.#suggestsOtherVersion(second) ? error : second;
      }
    }
  }

  async #openProving(version: ProtocolVersion): Promise<Connection> {
    const connection = await this.#open(version);
    this.#version = version;
    this.#versionProven = true;
    return connection;
  }

  #suggestsOtherVersion(error: unknown): boolean {
    if (!(error instanceof MqttSmcpError)) return false;
    if (error.code === "VERSION_NOT_SUPPORTED") return true;
    // Brokers of 3.1.1 may also just hang up on a CONNECT of MQTT 5, or answer in its old form.
    return !this.#versionProven &&
      (error.code === "CONNECTION_CLOSED" || error.code === "PROTOCOL_NOT_SPOKEN");
  }

  #open(version: ProtocolVersion): Promise<Connection> {
    const { endpoint, observer, log, open = openConnection } = this.#options;
    return open({
      endpoint,
      version,
      clock: this.#clock,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      onMessage: (message) => observer.received(message),
      trace: log.enabled("DEBUG") ? (packet) => log.debug(packet) : undefined,
    }, this.#closing.signal);
  }

  #fail(error: unknown): MqttSmcpError {
    const cause = error instanceof MqttSmcpError
      ? error
      : new MqttSmcpError("INTERNAL", "an unexpected error while connecting");
    this.#lastError = cause;
    this.#lastFailureAt = this.#clock.now();
    return cause;
  }

  async #pause(ms: number): Promise<void> {
    const now = this.#clock.now();
    this.#enter({ kind: "waiting", since: now, until: now + ms });
    const bound = { clock: this.#clock, ms, signal: this.#closing.signal };
    try {
      await until(bound, (wake) => {
        this.#skipWait = wake;
        return () => void (this.#skipWait = () => {});
      });
    } catch {
      // Closing is the only thing that cancels this wait, and the loop's condition sees it.
    }
  }

  /**
   * Brings the next attempt forward if that may be done by now; else gives the milliseconds until
   * it may.
   *
   * @throws {MqttSmcpError} the last failure, when waiting for another attempt will not cure it.
   */
  #nudge(): number {
    const error = this.#lastError;
    if (error === undefined) return Infinity;
    const ms = this.#lastFailureAt + nudgeAfterMs(error) - this.#clock.now();
    if (ms <= 0) {
      this.#skipWait();
      return Infinity;
    }
    if (failsFast(error)) throw error;
    return ms;
  }

  #enter(state: SessionState): void {
    if (this.#state.kind === "closed") return;
    this.#state = state;
    this.#changed.notify();
  }
}

function stillConnecting(ms: number): MqttSmcpError {
  const seconds = (ms / 1_000).toFixed(1);
  return new MqttSmcpError("NOT_CONNECTED", `still connecting after ${seconds} s`);
}
