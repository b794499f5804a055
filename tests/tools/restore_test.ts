import { assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../../src/clock.ts";
import {
  obliging,
  type Script,
  type ScriptedConnection,
  startScriptedBroker,
} from "../support/scripted_broker.ts";
import { Client, type Result, startClient } from "./client.ts";
import { publication } from "./publications.ts";

/** A clock on which the broker's time to answer is over soon. */
function hurriedClock(): Clock {
  const origin = Date.now();
  return {
    now: () => origin + 40 * (Date.now() - origin),
    after: (ms, action) => systemClock.after(ms / 40, action),
  };
}

async function isActive(client: Client): Promise<unknown[]> {
  const { subscriptions } = await client.do("status", {}) as Result & {
    subscriptions: { active: boolean; gaps: number }[];
  };
  return subscriptions.map(({ active, gaps }) => [active, gaps]);
}

/** QoS of each SUBSCRIBE that came over a connection. */
function qosAsked(connection: ScriptedConnection | undefined): number[] | undefined {
  return connection?.packets.all.flatMap((packet) =>
    packet.cmd === "subscribe" ? packet.subscriptions.map(({ qos }) => qos) : []
  );
}

/** What becomes of subscribing, from the second connection on: a SUBACK code, or null for none. */
function restoringBroker(code: (qos: number) => number | null): Script {
  let connections = 0;
  const script = obliging({ subscribeCode: (_, qos) => connections > 1 ? code(qos) : qos });
  return { ...script, onConnection: () => void connections++ };
}

function unsubscribed(connection: ScriptedConnection | undefined): number {
  return connection?.packets.all.filter(({ cmd }) => cmd === "unsubscribe").length ?? 0;
}

for (
  const [answer, code, unsubscribes] of [["is refused", 0x80, 0], ["is lost", null, 1]] as const
) {
  Deno.test(`when restoring ${answer}, unsubscribe leaves nothing at the broker`, async () => {
    await using broker = startScriptedBroker(restoringBroker(() => code));
    const place = { MQTT_BROKER: broker.hostname, MQTT_PORT: broker.port };
    await using client = new Client(place, hurriedClock());
    await client.do("subscribe", { topic: "t", timeout: 0 });
    const [first] = broker.connections.all;
    await client.losing(() => first?.drop());
    await client.connected();
    assertEquals(await isActive(client), [[false, 1]]);
    await client.do("unsubscribe", { topic: "t" });
    assertEquals(unsubscribed(broker.connections.all.at(-1)), unsubscribes);
    assertEquals(await isActive(client), []);
  });
}

Deno.test("what was not restored, the next call on it subscribes at its own QoS", async () => {
  let refuse = true;
  await using broker = startScriptedBroker(restoringBroker((qos) => refuse ? 0x87 : qos));
  await using client = await startClient(broker);
  await client.do("subscribe", { topic: "t", timeout: 0, qos: 2 });
  await client.losing(() => broker.connections.all[0]?.drop());
  await client.connected();
  refuse = false;
  await client.do("get_retained", { topic: "t", timeout: 0 });
  assertEquals(qosAsked(broker.connections.all[1]), [2, 2]);
  assertEquals(await isActive(client), [[true, 1]]);
  const { gaps } = await client.do("subscribe", { topic: "t", timeout: 0, qos: 2 });
  assertEquals(gaps.map(({ to }) => to === null), [false]);
});

Deno.test("restoring that the broker does not answer is tried again", async () => {
  let asked = 0;
  await using broker = startScriptedBroker(restoringBroker((qos) => ++asked === 1 ? null : qos));
  const place = { MQTT_BROKER: broker.hostname, MQTT_PORT: broker.port };
  await using client = new Client(place, hurriedClock());
  await client.do("subscribe", { topic: "t", timeout: 0 });
  await client.losing(() => broker.connections.all[0]?.drop());
  const second = await broker.connections.find((it) => it !== broker.connections.all[0]);
  await second.next("subscribe");
  await second.next("subscribe");
  // In the filter's turn, so after SUBACK.
  await client.do("get_retained", { topic: "t", timeout: 0 });
  assertEquals(await isActive(client), [[true, 1]]);
});

Deno.test("listing topics under what was not restored keeps its QoS", async () => {
  let refuse = true;
  await using broker = startScriptedBroker(restoringBroker((qos) => refuse ? 0x87 : qos));
  await using client = await startClient(broker);
  await client.do("subscribe", { topic: "t/#", timeout: 0, qos: 2 });
  await client.losing(() => broker.connections.all[0]?.drop());
  await client.connected();
  refuse = false;
  await client.do("list_topics", { topic: "t/#", timeout: 0 });
  assertEquals(qosAsked(broker.connections.all[1]), [2, 2]);
});

Deno.test("a refused change of a subscription leaves it unknown, with a gap", async () => {
  let refuse = false;
  await using broker = startScriptedBroker({
    onPacket: (packet, it) =>
      obliging({ subscribeCode: (_, qos) => refuse ? 0x80 : qos }).onPacket?.(packet, it),
  });
  await using client = await startClient(broker);
  await client.do("subscribe", { topic: "t", timeout: 0, qos: 0 });
  refuse = true;
  const { code } = await client.call("subscribe", { topic: "t", timeout: 0, qos: 1 });
  assertEquals([code, await isActive(client)], ["REFUSED_BY_BROKER", [[false, 1]]]);
  await client.do("unsubscribe", { topic: "t" });
  assertEquals(unsubscribed(broker.connections.all[0]), 1);
});

Deno.test("a call waits until the stored messages of restoring are in, and gets its own", async () => {
  const restored = Promise.withResolvers<ScriptedConnection>();
  const script = obliging();
  let [connections, subscribes] = [0, 0];
  await using broker = startScriptedBroker({
    onConnection: () => {
      connections++;
      subscribes = 0;
    },
    async onPacket(packet, it) {
      if (connections > 1 && packet.cmd === "pingreq" && subscribes === 1) {
        return restored.resolve(it);
      }
      await script.onPacket?.(packet, it);
      if (packet.cmd !== "subscribe") return;
      subscribes++;
      if (subscribes > 1) await it.send(publication("t/own", "own", { retain: true }));
    },
  });
  await using client = await startClient(broker, { MQTT_VERSION: "3.1.1" });
  await client.do("subscribe", { topic: "t/#", timeout: 0 });
  await client.losing(() => broker.connections.all[0]?.drop());
  const reading = client.do("get_retained", { topic: "t/#", timeout: 5 });
  const connection = await restored.promise;
  await client.do("publish", { topic: "fence", message: "x" });
  assertEquals(subscribes, 1);
  await connection.send(publication("t/other", "restored", { retain: true }));
  await connection.send({ cmd: "pingresp" });
  const { messages } = await reading;
  assertEquals(messages.map(({ payload }) => payload), ["own"]);
});

Deno.test("a broker that closes over a topic filter is named, and no other client blamed", async () => {
  const script = obliging();
  await using broker = startScriptedBroker({
    onPacket: (packet, it) =>
      packet.cmd === "subscribe" && packet.subscriptions[0]?.topic === "odd"
        ? it.drop()
        : script.onPacket?.(packet, it),
  });
  await using client = await startClient(broker, { MQTT_CLIENT_ID: "one" });
  for (let again = 0; again < 3; again++) {
    const { code, hint = "" } = await client.call("subscribe", { topic: "odd", timeout: 0 });
    assertEquals([code, /may not take this topic filter/.test(hint)], ["CONNECTION_CLOSED", true]);
  }
  assertEquals(client.log.includes("same client id"), false);
  await client.do("subscribe", { topic: "even", timeout: 0 });
});
