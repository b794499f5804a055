import { assert, assertEquals, assertLess } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import type { Packet } from "../support/mqtt_wire.ts";
import {
  obliging,
  type ScriptedConnection,
  startScriptedBroker,
} from "../support/scripted_broker.ts";
import { credentialsFor, testEachKind } from "../support/server_process.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { PlainServer } from "./lines.ts";
import { amount, randomFor, report } from "./support.ts";

const IN_FLIGHT = 100;
/** A publish waits up to 10 s for a connection and as long for its acknowledgement. */
const DEADLINE_MS = 20_500;

testEachKind(
  "100 publishes in flight as the broker vanishes, many times: known or unknown, none late",
  async (kind) => {
    const random = randomFor(`vanishing broker (${kind})`);
    const rounds = amount(25, 3);
    const acknowledged = new Set<string>();
    const seen = new Map<string, number>();
    const answers = obliging();
    let left = Infinity;
    await using broker = startScriptedBroker({
      async onPacket(packet: Packet, connection: ScriptedConnection) {
        if (packet.cmd !== "publish") return await answers.onPacket?.(packet, connection);
        const text = String(packet.payload);
        seen.set(text, (seen.get(text) ?? 0) + 1);
        if (left <= 0) return;
        acknowledged.add(text);
        await answers.onPacket?.(packet, connection);
        if (--left === 0) connection.drop();
      },
    });
    await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
    const outcomes: Record<string, number> = {};
    let slowest = 0;
    const wrong: string[] = [];
    for (let round = 0; round < rounds; round++) {
      left = Infinity;
      const first = await server.call("publish", { topic: "t", message: `first ${round}` });
      assertEquals(first.success, true);
      left = random.int(1, IN_FLIGHT - 1);
      await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, i) => {
        const text = `${round}/${i}`;
        const start = performance.now();
        const { success, code } = await server.call("publish", { topic: "t", message: text });
        slowest = Math.max(slowest, performance.now() - start);
        const outcome = success ? "acknowledged" : String(code);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        if (success && !acknowledged.has(text)) {
          wrong.push(`${text}: success, but never acknowledged`);
        }
        if (!success && code !== "OUTCOME_UNKNOWN" && seen.has(text)) {
          wrong.push(`${text}: ${code}, but it was sent`);
        }
      }));
    }
    left = Infinity;
    assertEquals((await server.call("publish", { topic: "t", message: "last" })).success, true);
    const twice = [...seen].filter(([, count]) => count > 1);
    report(
      6,
      `scripted broker gone ${rounds} times, ${IN_FLIGHT} publishes each (${kind}): ` +
        `${JSON.stringify(outcomes)}, slowest answer ${(slowest / 1_000).toFixed(1)} s`,
    );
    assertLess(slowest, DEADLINE_MS);
    const seed = `seed ${random.seed}`;
    assertEquals([wrong, twice], [[], []], seed);
    assert((outcomes["OUTCOME_UNKNOWN"] ?? 0) > 0, seed);
  },
);

testEachKind(
  "Mosquitto killed with 100 publishes in flight: what succeeded is what it had",
  async (kind) => {
    const random = randomFor(`killed Mosquitto (${kind})`);
    await using broker = await startMosquitto({ verbose: false });
    await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
    const outcomes: Record<string, number> = {};
    let slowest = 0;
    const rounds = amount(25, 2);
    let gaps = 0;
    const take = () => server.call("subscribe", { topic: "in/#", timeout: 5, max_messages: 1 });
    await server.call("subscribe", { topic: "in/#", timeout: 0 });
    for (let round = 0; round < rounds; round++) {
      const first = await server.call("publish", { topic: "other", message: "x" });
      assertEquals(first.success, true, JSON.stringify(first));
      await using watcher = await connectPeer(`mqtt://127.0.0.1:${broker.port}`);
      await watcher.subscribe("t", 0);
      const calls = Array.from({ length: IN_FLIGHT }, async (_, i) => {
        const text = `${round}/${i}`;
        const start = performance.now();
        const { success, code } = await server.call("publish", { topic: "t", message: text });
        slowest = Math.max(slowest, performance.now() - start);
        const outcome = success ? "acknowledged" : String(code);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        return { text, success };
      });
      // Somewhere among the acknowledgements: the first message has come, the last may not have.
      await watcher.messages.find(({ text }) => text.startsWith(`${round}/`));
      for (let n = random.int(0, 1); n > 0; n--) await settle();
      await broker.kill("SIGKILL");
      await Promise.all(calls);
      await broker.restart();
      await using late = await connectPeer(`mqtt://127.0.0.1:${broker.port}`);
      await late.subscribe("t");
      const again = await server.call("publish", { topic: "t", message: `again ${round}` });
      assertEquals(again.success, true, JSON.stringify(again));
      await late.messages.find(({ payload }) => String(payload) === `again ${round}`);
      assertEquals(
        late.messages.all.length,
        1,
        `sent behind the caller's back; seed ${random.seed}`,
      );
      await late.publish("in/x", `${round}`);
      const restored = await take();
      const [message] = restored["messages"] as { payload: string }[];
      assertEquals([message?.payload, (restored["gaps"] as unknown[]).length], [`${round}`, 1]);
      gaps++;
    }
    report(
      6,
      `Mosquitto killed ${rounds} times, ${IN_FLIGHT} publishes each (${kind}): ` +
        `${JSON.stringify(outcomes)}, slowest answer ${(slowest / 1_000).toFixed(1)} s`,
    );
    report(
      7,
      `Mosquitto restarted ${rounds} times (${kind}): ${gaps} gaps, each with its messages after`,
    );
    assertLess(slowest, DEADLINE_MS);
  },
  { ignore: requireOrIgnore("mosquitto") },
);
