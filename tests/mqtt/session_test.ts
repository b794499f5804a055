import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ConnectCode, MqttSmcpError } from "../../src/errors.ts";
import { Logger } from "../../src/log.ts";
import type { Connection, ConnectionOptions } from "../../src/mqtt/connection.ts";
import { defaultLimits } from "../../src/mqtt/limits.ts";
import type { ProtocolVersion } from "../../src/mqtt/packets.ts";
import { Session } from "../../src/mqtt/session.ts";
import { MemoryWriter } from "../support/byte_streams.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const permissions = "none";

/** A connection that ends when the test says so. */
class FakeConnection {
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
type Plan = ConnectCode | "connect" | "hang";

/** A session on a fake clock; each attempt takes the next of `plans`, the last one again and again. */
class Rig {
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
function outcomeOf(
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

Deno.test({
  name: "a broker that is down is tried with growing pauses, from 1 s to 60 s",
  permissions,
  async fn() {
    await using rig = new Rig(["BROKER_REFUSED_CONNECTION"]);
    rig.session.start();
    rig.session.start();
    await rig.clock.advanceAsync(200_000);
    assertEquals(rig.times, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
  },
});

Deno.test({
  name: "wrong credentials are tried again only after a minute, however many calls come",
  permissions,
  async fn() {
    await using rig = new Rig(["BAD_CREDENTIALS"]);
    rig.session.start();
    await settle();
    for (let i = 0; i < 500; i++) {
      const call = outcomeOf(rig.session.connection({ clock: rig.clock, ms: 10_000 }));
      await rig.clock.advanceAsync(100);
      if (rig.session.state.kind === "waiting" && i % 100 < 90) {
        assertEquals(call.code, "BAD_CREDENTIALS");
      }
    }
    // 50 s of calls: one attempt at most every 10 s.
    assert(rig.attempts.length <= 6, JSON.stringify(rig.times));
  },
});

Deno.test({
  name: "without calls, wrong credentials are tried once a minute",
  permissions,
  async fn() {
    await using rig = new Rig(["NOT_AUTHORIZED"]);
    rig.session.start();
    await rig.clock.advanceAsync(150_000);
    assertEquals(rig.times, [0, 60, 120]);
  },
});

Deno.test({
  name: "a call fails at once on a cause that waiting does not cure",
  permissions,
  async fn() {
    for (const code of ["TLS_UNTRUSTED", "HOST_NOT_FOUND", "NOT_AUTHORIZED"] as const) {
      await using rig = new Rig([code]);
      rig.session.start();
      const call = outcomeOf(rig.session.connection({ clock: rig.clock, ms: 10_000 }));
      await settle();
      await settle();
      assertEquals(call.code, code);
    }
  },
});

Deno.test({
  name: "a call waits for a broker that may come back, and tries it again after a second",
  permissions,
  async fn() {
    await using rig = new Rig([
      "BROKER_REFUSED_CONNECTION",
      "BROKER_REFUSED_CONNECTION",
      "BROKER_REFUSED_CONNECTION",
      "BROKER_REFUSED_CONNECTION",
      "connect",
    ]);
    rig.session.start();
    await rig.clock.advanceAsync(7_500);
    assertEquals(rig.times, [0, 1, 3, 7]);
    const call = outcomeOf(rig.session.connection({ clock: rig.clock, ms: 10_000 }));
    await rig.clock.advanceAsync(400);
    assertEquals(rig.attempts.length, 4);
    await rig.clock.advanceAsync(200);
    assertEquals(rig.times.at(-1), 8);
    assert(call.value !== undefined);
  },
});

Deno.test({
  name: "many calls together bring one attempt forward, not many",
  permissions,
  async fn() {
    await using rig = new Rig(["BROKER_REFUSED_CONNECTION"]);
    rig.session.start();
    await rig.clock.advanceAsync(40_000);
    const before = rig.attempts.length;
    const calls = Array.from(
      { length: 200 },
      () => outcomeOf(rig.session.connection({ clock: rig.clock, ms: 3_000 })),
    );
    await rig.clock.advanceAsync(3_001);
    assert(rig.attempts.length - before <= 4, JSON.stringify(rig.times));
    await settle();
    assert(calls.every(({ code }) => code === "BROKER_REFUSED_CONNECTION"));
  },
});

Deno.test({
  name: "a call that times out in the first attempt says how long it has been going on",
  permissions,
  async fn() {
    await using rig = new Rig(["hang"]);
    rig.session.start();
    const call = assertRejects(
      () => rig.session.connection({ clock: rig.clock, ms: 2_000 }),
      MqttSmcpError,
      "still connecting after 2.0 s",
    );
    await rig.clock.advanceAsync(2_000);
    await call;
  },
});

Deno.test({
  name: "a cancelled call ends, and the session goes on",
  permissions,
  async fn() {
    await using rig = new Rig(["hang"]);
    rig.session.start();
    const abort = new AbortController();
    const bound = { clock: rig.clock, ms: 2_000, signal: abort.signal };
    const call = outcomeOf(rig.session.connection(bound));
    await settle();
    abort.abort();
    await settle();
    assertEquals([call.code, rig.session.state.kind], ["CANCELLED", "connecting"]);
  },
});

Deno.test({
  name: "auto speaks MQTT 5 first, then 3.1.1, and remembers what was taken",
  permissions,
  async fn() {
    for (
      const refusal of [
        "VERSION_NOT_SUPPORTED",
        "CONNECTION_CLOSED",
        "PROTOCOL_NOT_SPOKEN",
      ] as const
    ) {
      await using rig = new Rig([refusal, "connect"]);
      rig.session.start();
      await settle();
      assertEquals(rig.versions, ["5", "3.1.1"]);
      assertEquals(rig.session.state.kind, "connected");
      rig.last.end("CONNECTION_CLOSED");
      await rig.clock.advanceAsync(1_000);
      assertEquals(rig.versions, ["5", "3.1.1", "3.1.1"], refusal);
    }
  },
});

Deno.test({
  name: "no other version is tried for a cause that another version does not cure",
  permissions,
  async fn() {
    for (const code of ["BAD_CREDENTIALS", "BROKER_REFUSED_CONNECTION", "TLS_EXPIRED"] as const) {
      await using rig = new Rig([code]);
      rig.session.start();
      await settle();
      assertEquals(rig.versions, ["5"], code);
    }
  },
});

Deno.test({
  name: "a forced version is never left",
  permissions,
  async fn() {
    for (const version of ["5", "3.1.1"] as const) {
      await using rig = new Rig(["VERSION_NOT_SUPPORTED"], version);
      rig.session.start();
      await settle();
      const call = outcomeOf(rig.session.connection({ clock: rig.clock, ms: 10_000 }));
      await settle();
      assertEquals([rig.versions, call.code], [[version], "VERSION_NOT_SUPPORTED"]);
    }
  },
});

Deno.test({
  name: "the second version's failure is told when it says more",
  permissions,
  async fn() {
    await using rig = new Rig(["VERSION_NOT_SUPPORTED", "BAD_CREDENTIALS"]);
    rig.session.start();
    await settle();
    assertEquals(rig.session.lastError?.code, "BAD_CREDENTIALS");
    await using mute = new Rig(["CONNECTION_CLOSED", "VERSION_NOT_SUPPORTED"]);
    mute.session.start();
    await settle();
    assertEquals(mute.session.lastError?.code, "CONNECTION_CLOSED");
  },
});

Deno.test({
  name: "once a version is proven, a mere close is no reason to try the other",
  permissions,
  async fn() {
    await using rig = new Rig(["connect", "CONNECTION_CLOSED", "connect"]);
    rig.session.start();
    await settle();
    rig.last.end("CONNECTION_CLOSED");
    await rig.clock.advanceAsync(5_000);
    assertEquals(rig.versions, ["5", "5", "5"]);
  },
});

Deno.test({
  name: "a call gets the connection only after what stood is restored",
  permissions,
  async fn() {
    await using rig = new Rig(["connect"]);
    const restored = Promise.withResolvers<void>();
    rig.restore = () => restored.promise;
    rig.session.start();
    const call = outcomeOf(rig.session.connection({ clock: rig.clock, ms: 10_000 }));
    await settle();
    assertEquals([rig.events, call.value], [["connected"], undefined]);
    restored.resolve();
    await settle();
    assert(call.value === rig.last as unknown as Connection);
  },
});

Deno.test({
  name: "a connection that ends while it is being restored counts as lost",
  permissions,
  async fn() {
    await using rig = new Rig(["connect"]);
    rig.restore = () => new Promise(() => {});
    rig.session.start();
    await settle();
    rig.last.end("BROKER_DISCONNECTED");
    await settle();
    assertEquals(rig.events, ["connected", "lost BROKER_DISCONNECTED"]);
    assertEquals(rig.session.state.kind, "waiting");
    rig.restore = () => Promise.resolve();
    await rig.clock.advanceAsync(1_000);
    assertEquals(rig.session.state.kind, "connected");
    assertEquals(rig.session.lastError, undefined);
  },
});

Deno.test({
  name: "a connection that keeps breaking at once is not made again in a storm",
  permissions,
  async fn() {
    await using rig = new Rig(["connect"]);
    rig.session.start();
    for (let second = 0; second < 120; second++) {
      await rig.clock.advanceAsync(1_000);
      if (rig.session.state.kind === "connected") rig.last.end("CONNECTION_CLOSED");
    }
    assert(rig.attempts.length <= 9, JSON.stringify(rig.times));
  },
});

Deno.test({
  name: "closing disconnects, ends waiting calls, and nothing connects again",
  permissions,
  async fn() {
    const rig = new Rig(["connect"]);
    rig.session.start();
    await settle();
    await rig.session.close(70);
    assertEquals(rig.last.closedWith, 70);
    assertEquals(rig.session.state.kind, "closed");
    const call = outcomeOf(rig.session.connection({ clock: rig.clock, ms: 10 }));
    await rig.clock.advanceAsync(300_000);
    assertEquals([call.code, rig.attempts.length, rig.clock.pending], ["CLOSING", 1, 0]);
    await rig.session.close(70);
  },
});

Deno.test({
  name: "closing works while connecting, while pausing, and before the start",
  permissions,
  async fn() {
    for (const plan of ["hang", "BROKER_REFUSED_CONNECTION"] as const) {
      const rig = new Rig([plan]);
      rig.session.start();
      await settle();
      const call = outcomeOf(rig.session.connection({ clock: rig.clock, ms: 10_000 }));
      await settle();
      await rig.session.close(70);
      await rig.clock.advanceAsync(300_000);
      assertEquals([call.code, rig.attempts.length, rig.clock.pending], ["CLOSING", 1, 0], plan);
    }
    const idle = new Rig(["connect"]);
    await idle.session.close(0);
    idle.session.start();
    await idle.clock.advanceAsync(100_000);
    assertEquals(idle.attempts.length, 0);
  },
});

Deno.test({
  name: "closing while subscriptions are being restored disconnects before it is done",
  permissions,
  async fn() {
    const rig = new Rig(["connect"]);
    rig.restore = () => new Promise(() => {});
    rig.session.start();
    await settle();
    await rig.session.close(70);
    assertEquals(rig.last.closedWith, 70);
    await rig.clock.advanceAsync(100_000);
    assertEquals(rig.attempts.length, 1);
  },
});
