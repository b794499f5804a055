import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { connectPeer, type MqttPeer } from "../support/mqtt_client.ts";
import { testEachBroker } from "./brokers.ts";
import type { RequestResult } from "./results.ts";

/** A lamp: what it is sent on lamp/set it publishes as its state. */
async function actAsLamp(peer: MqttPeer, state = "lamp/state"): Promise<void> {
  await peer.subscribe("lamp/set");
  peer.client.on("message", (topic, payload) => {
    if (topic === "lamp/set") peer.client.publish(state, payload, { qos: 1 });
  });
}

testEachBroker("a command is answered by the state that it leads to", async ({ client, peer }) => {
  await actAsLamp(peer);
  await peer.publish("lamp/state", "stored", { retain: true });
  for (const qos of [0, 1, 2]) {
    const result = await client.do("request", {
      topic: "lamp/set",
      message: `on${qos}`,
      response_topic: "lamp/state",
      qos,
    }) as RequestResult;
    assertEquals(result.topic, "lamp/set");
    assertEquals([result.response?.topic, result.response?.payload], ["lamp/state", `on${qos}`]);
    assertEquals(result.response?.retain, false);
    assert(result.elapsed_ms >= 0 && result.elapsed_ms < 5_000, `${result.elapsed_ms} ms`);
    assert(typeof result.acknowledged === "boolean" && (qos > 0 || !result.acknowledged));
  }
  assertEquals(client.subscriptions.standing().length, 0);
});

testEachBroker("without an answer the result says what became of the message", async (stage) => {
  const { client } = stage;
  const args = { topic: "lamp/set", message: "on", response_topic: "lamp/state", timeout: 0.1 };
  const acknowledged = await client.call("request", args);
  assertEquals([acknowledged.success, acknowledged.code], [false, "NO_ANSWER"]);
  assertMatch(
    acknowledged.error ?? "",
    /^Cannot request from 'lamp\/set': no answer within 0\.1 s; the broker acknowledged the message/,
  );
  assertMatch(acknowledged.hint ?? "", /check before/);
  const unacknowledged = await client.call("request", { ...args, qos: "0" });
  assertMatch(unacknowledged.error ?? "", /QoS 0, which is not acknowledged/);
});

testEachBroker(
  "a filter may be the response topic, and the request itself is no answer",
  async ({ client, peer }) => {
    await actAsLamp(peer);
    const result = await client.do("request", {
      topic: "lamp/set",
      message: "on",
      response_topic: "lamp/#",
    }) as RequestResult;
    assertEquals([result.response?.topic, result.response?.payload], ["lamp/state", "on"]);
  },
);

testEachBroker(
  "a request leaves a standing subscription to the response topic as it was",
  async ({ client, peer }) => {
    await actAsLamp(peer);
    await client.do("subscribe", { topic: "lamp/state", timeout: 0 });
    await client.do("request", { topic: "lamp/set", message: "1", response_topic: "lamp/state" });
    await client.do("request", { topic: "lamp/set", message: "2", response_topic: "lamp/state" });
    const { messages } = await client.do("subscribe", {
      topic: "lamp/state",
      timeout: 5,
      max_messages: 2,
    });
    assertEquals(messages.map(({ payload }) => payload), ["1", "2"]);
  },
);

testEachBroker("requests run side by side, each with its own answer", async ({ client, peer }) => {
  await peer.subscribe("echo/+/set");
  peer.client.on("message", (topic, payload) => {
    peer.client.publish(topic.replace("set", "state"), payload, { qos: 1 });
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      client.do("request", {
        topic: `echo/${i}/set`,
        message: `${i}`,
        response_topic: `echo/${i}/state`,
      })),
  ) as RequestResult[];
  assertEquals(
    answers.map(({ response }) => response?.payload),
    Array.from({ length: 20 }, (_, i) => `${i}`),
  );
});

testEachBroker(
  "without a response topic MQTT 5 carries a private one, and 3.1.1 says that it cannot",
  async (stage) => {
    const { client, peer, version, broker } = stage;
    if (version === "3.1.1") {
      const result = await client.call("request", { topic: "rpc", message: "?" });
      assertEquals([result.success, result.code], [false, "NOT_SUPPORTED"]);
      assertMatch(
        result.error ?? "",
        /response_topic is needed: the connection speaks MQTT 3\.1\.1/,
      );
      return;
    }
    await using responder = await connectPeer(`mqtt://${broker.hostname}:${broker.port}`, {
      protocolVersion: 5,
    });
    await responder.subscribe("rpc");
    responder.client.on("message", (_topic, payload, { properties }) => {
      const { responseTopic = "", correlationData = Buffer.from("") } = properties ?? {};
      const answer = { properties: { correlationData } };
      const wrong = { properties: { correlationData: Buffer.from("another's") } };
      responder.client.publish(responseTopic, "for another", wrong);
      responder.client.publish(responseTopic, `${payload}!`, answer);
    });
    const results = await Promise.all(
      [1, 2].map((i) =>
        client.do("request", { topic: "rpc", message: `${i}` }) as Promise<RequestResult>
      ),
    );
    assertEquals(results.map(({ response }) => response?.payload), ["1!", "2!"]);
    const topics = results.map(({ response }) => response?.topic);
    assertMatch(topics[0] ?? "", /^mqtt-smcp\/response\/[0-9a-f-]{36}$/);
    assert(topics[0] !== topics[1]);
    assertEquals(peer.messages.all.length, 0);
  },
);

testEachBroker(
  "a binary command is sent as it is, and may be retained",
  async ({ client, peer }) => {
    await peer.subscribe("lamp/set");
    await client.call("request", {
      topic: "lamp/set",
      message: "AP8=",
      encoding: "base64",
      response_topic: "lamp/state",
      retain: "true",
      timeout: "0.1",
    });
    assertEquals((await peer.messages.next()).payload.toHex(), "00ff");
    const { messages } = await client.do("get_retained", { topic: "lamp/set", timeout: 5 });
    assertEquals([messages[0]?.payload, messages[0]?.encoding], ["AP8=", "base64"]);
  },
);

testEachBroker("a request waits for no answer longer than it is let", async ({ client, peer }) => {
  await peer.subscribe("lamp/set");
  const cancel = new AbortController();
  const args = { topic: "lamp/set", message: "on", response_topic: "lamp/state", timeout: 300 };
  const call = client.call("request", args, { signal: cancel.signal });
  await peer.messages.next();
  cancel.abort();
  assertEquals((await call).code, "CANCELLED");
  const next = await client.call("request", { ...args, timeout: 0 });
  assertEquals(next.code, "NO_ANSWER");
});
