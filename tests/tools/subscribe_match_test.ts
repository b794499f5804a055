import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Packet } from "mqtt-packet";
import { startAedes } from "../support/aedes.ts";
import {
  obliging,
  type Script,
  type ScriptedConnection,
  startScriptedBroker,
} from "../support/scripted_broker.ts";
import { testEachBroker } from "./brokers.ts";
import { payloadsOf, startClient } from "./client.ts";
import { publication } from "./publications.ts";

testEachBroker(
  "the wait ends at the first message that contains the text",
  async ({ client, peer }) => {
    await client.do("subscribe", { topic: "m/#", timeout: 0 });
    for (const text of ["starting", "at 50 %", "it is done: 100 %", "idle"]) {
      await peer.publish("m/x", text);
    }
    await peer.publish("other", "fence");
    const result = await client.do("subscribe", { topic: "m/#", timeout: 30, match: "done" });
    assertEquals(payloadsOf(result), ["starting", "at 50 %", "it is done: 100 %"]);
    assertEquals(result.ended_by, "match");
    const rest = await client.do("subscribe", { topic: "m/#", timeout: 30, match: "idle" });
    assertEquals(payloadsOf(rest), ["idle"]);
  },
);

testEachBroker("a match may come at any time of the wait", async ({ client, peer }) => {
  const call = client.do("subscribe", { topic: "m/#", timeout: 60, match: "größe €" });
  // Calls on one filter take turns, so once this one is through the first is waiting.
  await client.do("subscribe", { topic: "m/#", timeout: 0, include_retained: false });
  await peer.publish("m/x", "grö");
  await peer.publish("m/x", new TextEncoder().encode("\0größe €\xff"));
  const result = await call;
  assertEquals([result.ended_by, result.message_count], ["match", 2]);
  assertEquals(result.messages[1]?.encoding, "base64");
});

testEachBroker(
  "a stored value can be the match, and without one the time ends the wait",
  async (stage) => {
    const { client, peer } = stage;
    await peer.publish("m/a", "on", { retain: true });
    const args = { topic: "m/#", match: "on", timeout: 30 };
    const stored = await client.do("subscribe", args);
    assertEquals([payloadsOf(stored), stored.ended_by], [["on"], "match"]);
    assertEquals(stored.messages[0]?.retain, true);
    const live = await client.do("subscribe", { ...args, include_retained: false, timeout: 0.1 });
    assertEquals([payloadsOf(live), live.ended_by], [[], "timeout"]);
  },
);

testEachBroker("max_messages ends the wait before a later match", async ({ client, peer }) => {
  await client.do("subscribe", { topic: "m/#", timeout: 0 });
  for (const text of ["1", "2", "3", "end"]) await peer.publish("m/x", text);
  const args = { topic: "m/#", timeout: 30, match: "end" };
  const first = await client.do("subscribe", { ...args, max_messages: 2 });
  assertEquals([payloadsOf(first), first.ended_by], [["1", "2"], "max_messages"]);
  const second = await client.do("subscribe", args);
  assertEquals([payloadsOf(second), second.ended_by], [["3", "end"], "match"]);
});

testEachBroker(
  "stored values that an earlier call left are not given to one that wants live ones",
  async (stage) => {
    const { client, peer } = stage;
    for (const name of ["a", "b", "c"]) await peer.publish(`m/${name}`, name, { retain: true });
    const first = await client.do("subscribe", { topic: "m/#", timeout: 30, max_messages: 1 });
    assertEquals(first.messages[0]?.retain, true);
    await peer.publish("m/x", "live");
    const args = { topic: "m/#", include_retained: false };
    const live = await client.do("subscribe", { ...args, timeout: 30, match: "live" });
    assertEquals(payloadsOf(live), ["live"]);
    const after = await client.do("subscribe", { ...args, timeout: 0 });
    assertEquals([after.message_count, after.remaining], [0, 0]);
  },
);

testEachBroker(
  "stored values can be asked for again after a call without them",
  async ({ client, peer }) => {
    await peer.publish("m/a", "stored", { retain: true });
    const args = { topic: "m/#", timeout: 0.2 };
    const live = await client.do("subscribe", { ...args, include_retained: "false" });
    assertEquals(payloadsOf(live), []);
    const stored = await client.do("subscribe", { ...args, timeout: 30, max_messages: 1 });
    assertEquals(payloadsOf(stored), ["stored"]);
  },
);

Deno.test("a match that does not fit the result is what the next call ends with", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_MAX_RESULT_CHARS: 1_000 });
  await client.do("subscribe", { topic: "m", timeout: 0 });
  for (const text of ["1", "2", "3"]) await broker.publish("m", text + "x".repeat(400));
  await broker.publish("m", "end");
  const pages = [];
  for (let ended = ""; ended !== "match"; ended = pages.at(-1)?.ended_by ?? "") {
    assert(pages.length < 5);
    pages.push(await client.do("subscribe", { topic: "m", timeout: 30, match: "end" }));
  }
  const earlier = pages.slice(0, -1);
  assert(earlier.length > 0);
  assert(earlier.every(({ ended_by, remaining = 0 }) => ended_by === "full" && remaining > 0));
  assertEquals(pages.flatMap(payloadsOf).map((text) => text[0]), ["1", "2", "3", "e"]);
});

/** A broker whose stored message comes `when` the broker is asked to ping for the n-th time. */
function withStraggler(onPing: (connection: ScriptedConnection) => Promise<void>): Script {
  return {
    async onPacket(packet, connection): Promise<void> {
      await obliging().onPacket?.(packet, connection);
      if (packet.cmd === "pingreq") await onPing(connection);
    },
  };
}

for (const version of ["5", "3.1.1"]) {
  Deno.test(`a stored message that comes late is not shown to a call that wants live ones (MQTT ${version})`, async () => {
    let pings = 0;
    await using broker = startScriptedBroker(withStraggler(async (connection) => {
      // The second reading's barrier comes after the first burst was taken for over.
      if (++pings === 2) await connection.send(publication("m/late", "stored", { retain: true }));
      if (pings === 2) await connection.send(publication("m/x", "live"));
    }));
    await using client = await startClient(broker, { MQTT_VERSION: version });
    const args = { topic: "m/#", include_retained: false };
    await client.do("subscribe", { ...args, timeout: 0.2 });
    // On another filter, so that this burst's end cannot be what keeps the straggler out.
    await client.do("get_retained", { topic: "other", timeout: 0.2 });
    const result = await client.do("subscribe", { ...args, timeout: 30, max_messages: 1 });
    assertEquals(payloadsOf(result), ["live"]);
  });

  Deno.test(`whether stored messages are wanted is what SUBSCRIBE says (MQTT ${version})`, async () => {
    await using broker = startScriptedBroker(obliging());
    await using client = await startClient(broker, { MQTT_VERSION: version });
    await client.do("subscribe", { topic: "a", timeout: 0, include_retained: false });
    await client.do("subscribe", { topic: "a", timeout: 0, include_retained: false });
    await client.do("subscribe", { topic: "b", timeout: 0 });
    const packets: readonly Packet[] = broker.connections.all[0]?.packets.all ?? [];
    const asked = packets.flatMap((it) => it.cmd === "subscribe" ? it.subscriptions : [])
      .map(({ topic, rh }) => [topic, rh]);
    const handling = version === "5" ? [2, 0] : [undefined, undefined];
    assertEquals(asked, [["a", handling[0]], ["b", handling[1]]]);
  });
}

Deno.test("an empty text as the match is any message", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await client.do("subscribe", { topic: "m", timeout: 0 });
  await broker.publish("m", "");
  await broker.publish("m", "second");
  const result = await client.do("subscribe", { topic: "m", timeout: 30, match: "" });
  assertEquals([result.ended_by, payloadsOf(result)[0]], ["match", ""]);
  assertFalse(result.message_count === 2);
});
