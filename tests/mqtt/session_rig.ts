/**
 * A session on a fake clock, whose attempts end as the test plans.
 *
 * @module
 */

import { type ConnectCode, MqttSmcpError } from "../../src/errors.ts";
import { Logger } from "../../src/log.ts";
import type { Connection, ConnectionOptions } from "../../src/mqtt/connection.ts";
import { defaultLimits } from "../../src/mqtt/limits.ts";
import type { ProtocolVersion } from "../../src/mqtt/packets.ts";
import { Session } from "../../src/mqtt/session.ts";
import { MemoryWriter } from "../support/byte_streams.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

/** A connection that ends when the test says so. */
export class FakeConnection {
  readonly limits = defaultLimits(true);
  failure: MqttSmcpError | undefined;
  closedWith: number | undefined;
  readonly #onEnd: ((cause: MqttSmcpError) => void)[] = [];
  readonly version: ProtocolVersion;
  readonly since: number;

  constructor(version: ProtocolVersion, since: number) {
    this.version = version;
    this.since = since;
  }

  onEnd(listener: (cause: MqttSmcpError) => void): () => void {
    if (this.failure !== undefined) listener(this.failure);
    else this.#onEnd.push(listener);
    return () => {};
  }

  end(code: ConnectCode | "CLOSING"): void {
    this.failure = new MqttSmcpError(code, code);
    for (const listener of this.#onEnd) listener(this.failure);
  }

  close(ms: number): Promise<void> {
    this.closedWith = ms;
    this.end("CLOSING");
    return Promise.resolve();
  }
}

/** What becomes of an attempt: a cause, a connection, or nothing until it is aborted. */
export type Plan = ConnectCode | "connect" | "hang";

/** A session on a fake clock; each attempt takes the next of `plans`, the last one again and again. */
export class Rig {
  readonly clock = new FakeClock();
  readonly attempts: { at: number; version: ProtocolVersion }[] = [];
  readonly connections: FakeConnection[] = [];
  readonly events: string[] = [];
  readonly session: Session;
  readonly started = this.clock.now();
  restore: () => Promise<void> = () => Promise.resolve();
  plans: Plan[];

  constructor(plans: Plan[], version: "auto" | ProtocolVersion = "auto") {
    this.plans = plans;
    this.session = new Session({
      endpoint: {
        host: "broker.test",
        port: 1883,
        transport: "tcp",
        wsPath: "/mqtt",
        tls: null,
        clientId: "id",
        keepalive: 20,
      },
      version,
      clock: this.clock,
      log: new Logger({ sink: new MemoryWriter(), level: "ERROR", clock: this.clock }),
      random: () => 0.5,
      observer: {
        received: () => {},
        connected: () => {
          this.events.push("connected");
          return this.restore();
        },
        lost: ({ code }) => this.events.push(`lost ${code}`),
      },
      open: (options, signal) => this.#open(options, signal),
    });
  }

  get times(): number[] {
    return this.attempts.map(({ at }) => (at - this.started) / 1_000);
  }

  get versions(): string[] {
    return this.attempts.map(({ version }) => version);
  }

  get last(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error("Cannot look at a connection: there was none");
    return connection;
  }

  /** Ends the session, so that no timer is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close(0);
    await settle();
  }

  #open({ version, clock }: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
    this.attempts.push({ at: clock.now(), version });
    const plan = this.plans.length > 1 ? this.plans.shift() : this.plans[0];
    if (plan === "connect") {
      const connection = new FakeConnection(version, clock.now());
      this.connections.push(connection);
      return Promise.resolve(connection as unknown as Connection);
    }
    if (plan !== "hang") return Promise.reject(new MqttSmcpError(plan ?? "TLS_FAILED", "planned"));
    return new Promise((_resolve, reject) =>
      signal.addEventListener("abort", () => reject(new MqttSmcpError("CANCELLED", "aborted")))
    );
  }
}

/** The code of the error that a call for a connection ends with; undefined while it waits. */
export function outcomeOf(
  call: Promise<Connection>,
): { code: string | undefined; value: Connection | undefined } {
  const outcome: { code: string | undefined; value: Connection | undefined } = {
    code: undefined,
    value: undefined,
  };
  call.then(
    (value) => outcome.value = value,
    (error: unknown) => outcome.code = error instanceof MqttSmcpError ? error.code : String(error),
  );
  return outcome;
}
