import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import type { Packet } from "../support/mqtt_wire.ts";
import { obliging, type Script, startScriptedBroker } from "../support/scripted_broker.ts";
import { credentialsFor, spawnServer, testEachKind } from "../support/server_process.ts";
import { handshake } from "../support/sdk_client.ts";
import { initialize, PlainServer } from "./lines.ts";
import { amount, report } from "./support.ts";

const VERSIONS = [["5", 0x87], ["5", 0x80], ["3.1.1", 0x80]] as const;

/** Counts the packets of one kind that a script is handed. */
function counting(script: Script, cmd: Packet["cmd"]): { script: Script; seen: number[] } {
  const seen: number[] = [];
  return {
    seen,
    script: {
      async onPacket(packet, connection): Promise<void> {
        if (packet.cmd === cmd) seen.push(performance.now());
        await script.onPacket?.(packet, connection);
      },
    },
  };
}

testEachKind(
  "a wrong password is named by every call, and the broker is left in peace",
  async (kind) => {
    for (const [version, connackCode] of [["5", 0x86], ["3.1.1", 4]] as const) {
      const { script, seen } = counting(obliging({ connackCode }), "connect");
      await using broker = startScriptedBroker(script);
      await using server = await PlainServer.start({
        kind,
        credentials: credentialsFor(broker, {
          MQTT_VERSION: version,
          MQTT_USER: "u",
          MQTT_PASS: "wrong",
        }),
      });
      const calls = amount(200, 50);
      for (let i = 0; i < calls; i++) {
        const { success, code } = await server.call("publish", { topic: "t", message: "m" });
        assertEquals([success, code], [false, "BAD_CREDENTIALS"]);
      }
      report(
        10,
        `wrong password, MQTT ${version} (${kind}): ${calls} calls, ${seen.length} CONNECT`,
      );
      assertLess(seen.length, 3);
    }
  },
);

testEachKind(
  "a broker that refuses what stood before says so, once for each call",
  async (kind) => {
    for (const [version, refusal] of VERSIONS) {
      let refusing = false;
      const answers = obliging({
        subscribeCode: (filter, qos) => refusing && filter === "secret/#" ? refusal : qos,
      });
      const { script, seen } = counting(answers, "subscribe");
      await using broker = startScriptedBroker(script);
      await using server = spawnServer({ kind });
      await handshake(server, credentialsFor(broker, { MQTT_VERSION: version }));
      await initialize(server);
      let id = 0;
      const call = async (name: string, args: Record<string, unknown>) => {
        await server.writeJson({
          jsonrpc: "2.0",
          id: ++id,
          method: "tools/call",
          params: { name, arguments: args },
        });
        const line = await server.lines.next();
        return JSON.parse(JSON.parse(line).result.content[0].text);
      };
      for (const topic of ["secret/#", "open/#"]) {
        assertEquals((await call("subscribe", { topic, timeout: 0 })).success, true);
      }
      const filters = () =>
        broker.connections.all.at(-1)?.packets.all.flatMap((packet) =>
          packet.cmd === "subscribe" ? packet.subscriptions.map(({ topic }) => topic) : []
        ) ?? [];
      refusing = true;
      const before = broker.connections.all.length;
      broker.connections.all.at(-1)?.drop();
      await broker.connections.count(before + 1);
      // Answered once the new connection stands, with what could be restored.
      assertEquals((await call("publish", { topic: "t", message: "m" })).success, true);
      assertEquals([...filters()].sort(), ["open/#", "secret/#"]);
      await server.stderrLines.find((line) => /not restored: the broker refused/.test(line));
      const restored = seen.length;
      const open = await call("subscribe", { topic: "open/#", timeout: 0 });
      assertEquals([open.success, open.gaps.length], [true, 1]);
      const again = amount(20, 5);
      for (let i = 0; i < again; i++) {
        const refused = await call("subscribe", { topic: "secret/#", timeout: 0 });
        assertEquals([refused.success, refused.code], [false, "REFUSED_BY_BROKER"]);
        assertMatch(refused.error, /^Cannot subscribe to 'secret\/#': the broker refused/);
      }
      // One for each call that asked for it and none of its own accord; one more for "open/#".
      assertEquals(seen.length - restored, again + 1);
      const listed = await call("status", {});
      const dropped = await call("unsubscribe", { topic: "secret/#" });
      assertEquals(dropped.success, true, JSON.stringify(dropped));
      const gone = await call("unsubscribe", { topic: "secret/#" });
      assertEquals([gone.success, gone.code], [false, "NO_SUBSCRIPTION"]);
      refusing = false;
      assertEquals((await call("subscribe", { topic: "secret/#", timeout: 0 })).success, true);
      assert(JSON.stringify(listed).includes("secret/#"));
    }
    report(
      10,
      `re-subscribe refused with 0x87 or 0x80, both versions (${kind}): named in the log and in each ` +
        "call, one SUBSCRIBE a connection and one a call",
    );
  },
);

testEachKind("a re-subscribe that is never answered is not taken for done", async (kind) => {
  let silent = false;
  const answers = obliging({
    subscribeCode: (_filter, qos) => silent ? null : qos,
  });
  const { script, seen } = counting(answers, "unsubscribe");
  await using broker = startScriptedBroker(script);
  await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
  assertEquals((await server.call("subscribe", { topic: "a/#", timeout: 0 })).success, true);
  silent = true;
  const before = broker.connections.all.length;
  broker.connections.all.at(-1)?.drop();
  await broker.connections.count(before + 1);
  const connection = broker.connections.all.at(-1);
  await connection?.packets.find(({ cmd }) => cmd === "subscribe");
  // The restoring waits 10 s for SUBACK; a call waits for that.
  const start = performance.now();
  let connected = false;
  while (!connected) {
    connected = (await server.call("status", {}))["connected"] === true;
    assertLess(performance.now() - start, 20_000);
    if (!connected) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  silent = false;
  // The broker may hold it all the same, so it has to be told.
  const dropped = await server.call("unsubscribe", { topic: "a/#" });
  assertEquals([dropped.success, seen.length], [true, 1]);
}, { kinds: ["source"] });
