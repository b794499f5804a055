import { assert, assertEquals } from "@std/assert";
import type { Connection } from "../../src/mqtt/connection.ts";
import { settle } from "../support/fake_clock.ts";
import { outcomeOf, Rig } from "./session_rig.ts";

const permissions = "none";

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
      // Only a broker that complained of the version is known to have no other.
      const next = refusal === "VERSION_NOT_SUPPORTED" ? "3.1.1" : "5";
      assertEquals(rig.versions, ["5", "3.1.1", next], refusal);
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
