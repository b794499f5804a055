import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { systemClock } from "../../src/clock.ts";
import { startAedes } from "../support/aedes.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { testEachBroker } from "./brokers.ts";
import { payloadsOf, startClient } from "./client.ts";

testEachBroker("one exact topic returns as soon as its value is in", async ({ client, peer }) => {
  await peer.publish("kept/a", "value", { retain: true });
  const started = Date.now();
  const result = await client.do("get_retained", { topic: "kept/a", timeout: 60 });
  assert(Date.now() - started < 5_000);
  assertEquals([payloadsOf(result), result.complete, result.ended_by], [
    ["value"],
    true,
    "exact_topic",
  ]);
  assertEquals([result.message_count, result.messages[0]?.retain], [1, true]);
});

testEachBroker(
  "a wildcard returns all values at the end of the burst",
  async ({ client, peer }) => {
    const names = Array.from({ length: 50 }, (_, i) => `kept/${i}`);
    for (const name of names) await peer.publish(name, `of ${name}`, { retain: true });
    await peer.publish("elsewhere", "x", { retain: true });
    const started = Date.now();
    const result = await client.do("get_retained", { topic: "kept/+", timeout: 60 });
    assert(Date.now() - started < 10_000);
    assertEquals([result.complete, result.ended_by], [true, "burst_end"]);
    assertEquals(result.messages.map(({ topic }) => topic).sort(), names.sort());
  },
);

testEachBroker(
  "where nothing is stored the answer is complete and comes soon",
  async ({ client }) => {
    for (const topic of ["none", "none/#"]) {
      const started = Date.now();
      const result = await client.do("get_retained", { topic, timeout: 60 });
      assert(Date.now() - started < 5_000);
      assertEquals([result.message_count, result.complete, result.ended_by], [
        0,
        true,
        "burst_end",
      ]);
    }
  },
);

testEachBroker(
  "only stored values are returned, and the filter is given up afterwards",
  async ({ client, peer }) => {
    const reading = client.do("get_retained", { topic: "live/#", timeout: 5 });
    const sending = Promise.all([1, 2, 3].map((i) => peer.publish("live/x", String(i))));
    assertEquals((await reading).message_count, 0);
    await sending;
    assertEquals(client.subscriptions.standing(), []);
    assertEquals((await client.call("unsubscribe", { topic: "live/#" })).code, "NO_SUBSCRIPTION");
  },
);

testEachBroker("an empty stored message clears the value", async ({ client }) => {
  await client.do("publish", { topic: "kept/a", message: "v", retain: true });
  assertEquals((await client.do("get_retained", { topic: "kept/a" })).message_count, 1);
  const cleared = await client.do("publish", { topic: "kept/a", message: "", retain: true });
  assertMatch(cleared.note ?? "", /clears/);
  assertEquals((await client.do("get_retained", { topic: "kept/a" })).message_count, 0);
});

Deno.test("at the end of the time the answer says that there may be more", async () => {
  await using broker = startScriptedBroker(obliging({ pings: false }));
  await using client = await startClient(broker);
  for (const timeout of [0, 0.2]) {
    const result = await client.do("get_retained", { topic: "t/#", timeout });
    assertEquals([result.complete, result.ended_by], [false, "timeout"]);
    assertMatch(result.note ?? "", /may be more/);
  }
});

Deno.test("a broker that sends stored values only a while after SUBACK is waited for", async () => {
  const timers: (() => void)[] = [];
  await using broker = startScriptedBroker(obliging({
    onSubscribed: ([topic = ""], connection) => {
      // 80 ms is what was measured of real brokers; the window is 120 ms.
      const send = (): Promise<void> =>
        connection.send({
          cmd: "publish",
          topic: topic.replace("#", "x"),
          payload: Buffer.from("late"),
          qos: 0,
          dup: false,
          retain: true,
        });
      timers.push(systemClock.after(80, () => void send()));
    },
  }));
  await using client = await startClient(broker, { MQTT_VERSION: "3.1.1" });
  for (const topic of ["t", "t/#"]) {
    const result = await client.do("get_retained", { topic, timeout: 5 });
    assertEquals([payloadsOf(result), result.complete], [["late"], true]);
  }
  for (const cancel of timers) cancel();
});

Deno.test("what does not fit into the result is counted", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_MAX_RESULT_CHARS: 2_000 });
  for (let i = 0; i < 50; i++) await broker.publish(`k/${i}`, "x".repeat(100), { retain: true });
  const result: unknown = await client.do("get_retained", { topic: "k/#", timeout: 5 });
  const { message_count, omitted, complete, note } = result as {
    message_count: number;
    omitted: number;
    complete: boolean;
    note: string;
  };
  assert(message_count > 3);
  assertEquals([message_count + omitted, complete], [50, false]);
  assertMatch(note, /narrower/);
});

Deno.test({
  name: "5,000 stored values on Mosquitto are all seen, in both versions",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using broker = await startMosquitto({ verbose: false });
    await using peer = await connectPeer(`mqtt://127.0.0.1:${broker.port}`);
    await Promise.all(
      Array.from({ length: 5_000 }, (_, i) => peer.publish(`m/${i}`, "v", { retain: true })),
    );
    for (const MQTT_VERSION of ["5", "3.1.1"]) {
      await using client = await startClient(broker, {
        MQTT_VERSION,
        MQTT_MAX_RESULT_CHARS: 10_000_000,
      });
      const result = await client.do("get_retained", { topic: "m/#", timeout: 30 });
      assertEquals([result.complete, result.message_count], [true, 5_000]);
      assertEquals(new Set(result.messages.map(({ topic }) => topic)).size, 5_000);
    }
  },
});

Deno.test("fifty readings of one topic at once all get its value", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await broker.publish("k", "v", { retain: true });
  const readings = Array.from({ length: 50 }, () => client.do("get_retained", { topic: "k" }));
  for (const result of await Promise.all(readings)) assertEquals(payloadsOf(result), ["v"]);
});

Deno.test("a value that had to be cut is not called complete", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_MAX_RESULT_CHARS: 2_000 });
  await broker.publish("big", "x".repeat(5_000), { retain: true });
  const { complete, messages, note } = await client.do("get_retained", { topic: "big" });
  assertEquals([complete, messages[0]?.truncated, messages[0]?.size], [false, true, 5_000]);
  assertMatch(String(note), /was cut/);
});
