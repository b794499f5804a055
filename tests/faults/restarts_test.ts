import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { Rig } from "../mqtt/session_rig.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { credentialsFor, testEachKind } from "../support/server_process.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { PlainServer } from "./lines.ts";
import { amount, randomFor, report } from "./support.ts";

const RESTARTS = amount(1_000, 150);
const DROPPING_MS = amount(9_000, 4_000);
const DOUBLE_MS = amount(10_000, 4_000);

Deno.test("restarts of the broker by the thousand: waits from 1 to 60 s, no storm, connected again each time", async () => {
  const random = randomFor("restarts");
  await using rig = new Rig(["connect"]);
  rig.session.start();
  await rig.clock.advanceAsync(0);
  let attempts = rig.attempts.length;
  let most = 0;
  for (let restart = 0; restart < RESTARTS; restart++) {
    const connections = rig.connections.length;
    // Down for some attempts, now and then for long.
    const failures = random.chance(0.05) ? random.int(5, 12) : random.int(0, 3);
    rig.plans = [
      ...Array.from({ length: failures }, () => "BROKER_REFUSED_CONNECTION" as const),
      "connect",
    ];
    const stable = random.chance(0.5);
    await rig.clock.advanceAsync(stable ? 10_000 : random.int(0, 900));
    rig.last.end("CONNECTION_CLOSED");
    await rig.clock.advanceAsync(0);
    for (let n = 0; rig.connections.length === connections; n++) {
      assert(n <= failures + 1, `seed ${random.seed}: no connection after ${n} waits`);
      const wait = rig.clock.nextDelay ?? 0;
      assert(wait >= 1_000 && wait <= 60_000, `seed ${random.seed}: a wait of ${wait} ms`);
      most = Math.max(most, wait);
      await rig.clock.advanceAsync(wait);
    }
    assertEquals(rig.session.state.kind, "connected", `seed ${random.seed}`);
    attempts = rig.attempts.length - attempts;
    assert(attempts <= failures + 1, `seed ${random.seed}: ${attempts} attempts`);
    attempts = rig.attempts.length;
  }
  // One timer for the wait at the most: nothing is left of all those connections.
  assert(rig.clock.pending <= 1, `${rig.clock.pending} timers`);
  report(
    7,
    `${RESTARTS} restarts, simulated clock: ${rig.attempts.length} attempts, the longest wait ${
      most / 1_000
    } s`,
  );
});

testEachKind(
  "a broker that accepts and drops is not stormed, and everything stands again at last",
  async (kind) => {
    const answers = obliging();
    let dropping = true;
    const times: number[] = [];
    const subscribed: string[] = [];
    await using broker = startScriptedBroker({
      async onPacket(packet, connection) {
        if (packet.cmd === "connect") times.push(performance.now());
        if (packet.cmd === "subscribe") {
          subscribed.push(...packet.subscriptions.map(({ topic }) => topic));
        }
        await answers.onPacket?.(packet, connection);
        if (packet.cmd === "connect" && dropping) connection.drop();
      },
    });
    dropping = false;
    await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
    for (const topic of ["a/#", "b"]) {
      assertEquals((await server.call("subscribe", { topic, timeout: 0 })).success, true);
    }
    dropping = true;
    subscribed.length = 0;
    const start = performance.now();
    broker.connections.all.at(-1)?.drop();
    await new Promise((resolve) => setTimeout(resolve, DROPPING_MS));
    const attempts = times.filter((time) => time > start).length;
    dropping = false;
    const { gaps } = await server.call(
      "subscribe",
      { topic: "a/#", timeout: 0 },
      60_000,
    );
    const { connected } = await server.call("status", {});
    report(7, `accept and drop for ${DROPPING_MS / 1_000} s (${kind}): ${attempts} attempts`);
    // 1 + 2 + 4 s, each at least 20 % shorter by jitter.
    assert(attempts >= 1 && attempts <= 4, `${attempts} attempts`);
    assertEquals(connected, true);
    assert(subscribed.includes("a/#") && subscribed.includes("b"), subscribed.join());
    const all = gaps as { from: string; to: string | null }[];
    assert(
      all.length >= 1 && all.every(({ from, to }) => to !== null && from <= to),
      JSON.stringify(all),
    );
    assertLess(all.length, 10);
  },
  { kinds: ["source"] },
);

testEachKind(
  "two servers with one client id do not throw each other out in a storm",
  async (kind) => {
    await using broker = await startMosquitto();
    const credentials = credentialsFor(broker, { MQTT_CLIENT_ID: "double" });
    await using one = await PlainServer.start({ kind, credentials });
    await using two = await PlainServer.start({ kind, credentials });
    await new Promise((resolve) => setTimeout(resolve, DOUBLE_MS));
    const connects = broker.log.all.filter((line) => line.includes("New client connected")).length;
    const states = await Promise.all([one, two].map((server) => server.call("status", {})));
    const down = states.find(({ connected }) => connected === false);
    report(
      10,
      `one client id for two (${kind}): ${connects} connections in ${DOUBLE_MS / 1_000} s, ${
        down?.["last_error"]
      }`,
    );
    // Each of the two waits 1, 2, 4 s at least, less a fifth.
    assertLess(connects, 12);
    assertMatch(String(down?.["last_error"] ?? "client id"), /client id|MQTT_CLIENT_ID|closed/);
  },
  { ignore: requireOrIgnore("mosquitto"), kinds: ["source"] },
);
