import { assert, assertEquals, assertRejects } from "@std/assert";
import { MqttSmcpError } from "../../src/errors.ts";
import { settle } from "../support/fake_clock.ts";
import { outcomeOf, Rig } from "./session_rig.ts";

const permissions = "none";

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
