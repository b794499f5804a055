import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { IPublishPacket } from "mqtt-packet";
import { Buffer } from "node:buffer";
import { startAedes } from "../support/aedes.ts";
import { connectPeer, type MqttPeer } from "../support/mqtt_client.ts";
import { startProxy } from "../support/proxy.ts";
import {
  obliging,
  type Script,
  type ScriptedConnection,
  startScriptedBroker,
} from "../support/scripted_broker.ts";
import { testEachBroker } from "./brokers.ts";
import { startClient } from "./client.ts";
import type { RequestResult } from "./results.ts";

/** A lamp: what it is sent on lamp/set it publishes as its state. */
async function actAsLamp(peer: MqttPeer, state = "lamp/state"): Promise<void> {
  await peer.subscribe("lamp/set");
  peer.client.on("message", (topic, payload) => {
    if (topic === "lamp/set") peer.client.publish(state, payload, { qos: 1 });
  });
}

/** A PUBLISH as a broker sends it. */
function publication(
  topic: string,
  payload: string,
  properties?: IPublishPacket["properties"],
): IPublishPacket {
  return {
    cmd: "publish",
    topic,
    payload: Buffer.from(payload),
    qos: 0,
    dup: false,
    retain: false,
    ...(properties === undefined ? {} : { properties }),
  };
}

/** A broker's script on which a message waits that was there before any request. */
function withStaleState(options: Parameters<typeof obliging>[0] = {}): Script {
  return {
    async onPacket(packet, connection): Promise<void> {
      if (packet.cmd === "subscribe") await connection.send(publication("lamp/state", "stale"));
      await obliging(options).onPacket?.(packet, connection);
    },
  };
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
  const args = { topic: "lamp/set", message: "on", response_topic: "lamp/state", timeout: 0.3 };
  const acknowledged = await client.call("request", args);
  assertEquals([acknowledged.success, acknowledged.code], [false, "NO_ANSWER"]);
  assertMatch(
    acknowledged.error ?? "",
    /^Cannot request from 'lamp\/set': no answer within 0\.3 s; the broker acknowledged the message/,
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

Deno.test("the subscription is confirmed before the request is published, and given up after it", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
    timeout: 0,
  });
  await broker.saw("unsubscribe");
  const sent = broker.packets.all.map(({ packet }) => packet.cmd)
    .filter((cmd) => ["subscribe", "publish", "unsubscribe"].includes(cmd));
  assertEquals(sent, ["subscribe", "publish", "unsubscribe"]);
});

Deno.test("what comes before the request is sent does not answer it", async () => {
  await using broker = startScriptedBroker(withStaleState());
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
    timeout: 0.3,
  });
  assertEquals([result.success, result.code], [false, "NO_ANSWER"]);
});

Deno.test("a request that was not sent has failed, whatever comes on its response topic", async () => {
  await using broker = startScriptedBroker(
    withStaleState({ connackProperties: { maximumPacketSize: 100 } }),
  );
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "x".repeat(200),
    response_topic: "lamp/state",
    timeout: 1,
  });
  assertEquals([result.success, result.code], [false, "BROKER_LIMIT"]);
});

Deno.test("a request that the broker refuses has failed at once", async () => {
  await using broker = startScriptedBroker(obliging({ publishCode: () => 0x87 }));
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
    timeout: 60,
  });
  assertEquals([result.success, result.code], [false, "REFUSED_BY_BROKER"]);
});

Deno.test("an answer counts although the broker never acknowledged the request", async () => {
  await using broker = startScriptedBroker({
    async onPacket(packet, connection: ScriptedConnection): Promise<void> {
      if (packet.cmd === "publish") await connection.send(publication("lamp/state", "on"));
      else await obliging().onPacket?.(packet, connection);
    },
  });
  await using client = await startClient(broker);
  const result = await client.do("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
  }) as RequestResult;
  assertEquals([result.response?.payload, result.acknowledged], ["on", false]);
});

Deno.test("an answer to a filter may carry correlation data of its own", async () => {
  await using broker = startScriptedBroker({
    async onPacket(packet, connection: ScriptedConnection): Promise<void> {
      await obliging().onPacket?.(packet, connection);
      if (packet.cmd !== "publish") return;
      const correlationData = packet.properties?.correlationData ?? Buffer.from("own");
      await connection.send(publication("lamp/state", "on", { correlationData }));
    },
  });
  await using client = await startClient(broker);
  const result = await client.do("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/+",
    timeout: 2,
  }) as RequestResult;
  assertEquals([result.response?.payload, result.response?.correlation_data], ["on", "own"]);
});

Deno.test("when the connection breaks before the acknowledgement, the outcome is unknown", async () => {
  await using broker = startScriptedBroker({
    async onPacket(packet, connection: ScriptedConnection): Promise<void> {
      if (packet.cmd === "publish") connection.drop();
      else await obliging().onPacket?.(packet, connection);
    },
  });
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
    timeout: 60,
  });
  assertEquals([result.success, result.code], [false, "OUTCOME_UNKNOWN"]);
});

Deno.test("an answer that comes after a broken connection is still received, or the break is told", async () => {
  await using broker = await startAedes();
  await using proxy = startProxy(broker.port);
  await using client = await startClient(proxy);
  const acknowledged = async (topic: string): Promise<void> => {
    const { messageId } = await proxy.saw("publish", (packet) => packet.topic === topic);
    await proxy.saw("puback", (packet) => packet.messageId === messageId);
    await client.connected();
  };
  const args = { message: "on", response_topic: "lamp/state" };
  const answered = client.do("request", { ...args, topic: "lamp/1", timeout: 30 });
  await acknowledged("lamp/1");
  await client.losing(() => proxy.cut());
  await client.connected();
  await broker.publish("lamp/state", "late");
  assertEquals((await answered as RequestResult).response?.payload, "late");

  const missed = client.call("request", { ...args, topic: "lamp/2", timeout: 0.5 });
  await acknowledged("lamp/2");
  await client.losing(() => proxy.cut());
  const { code, error } = await missed;
  assertEquals(code, "NO_ANSWER");
  assertMatch(error ?? "", /the broker acknowledged the message.*connection/);
});

Deno.test("a bad request names the argument that is wrong, and nothing is sent", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  const bad: [Record<string, unknown>, string, RegExp][] = [
    [{ topic: "lamp/#" }, "INVALID_TOPIC", /^Cannot request from 'lamp\/#': .*wildcards/],
    [{ topic: "lamp/set", response_topic: "a/#/b" }, "INVALID_TOPIC", /'a\/#\/b'.*'#' must be/],
    [{ topic: "lamp/set", response_topic: "" }, "INVALID_TOPIC", /response_topic/],
    [{ topic: "lamp/set", response_topic: "lamp/set" }, "INVALID_TOPIC", /must differ/],
    [{ topic: "lamp/set", timeout: 301 }, "INVALID_ARGUMENT", /timeout must be/],
    [{ topic: "lamp/set", encoding: "hex" }, "INVALID_ARGUMENT", /encoding must be one of/],
    [{ topic: "lamp/set", message: "%", encoding: "base64" }, "INVALID_ARGUMENT", /base64/],
  ];
  for (const [args, code, error] of bad) {
    const result = await client.call("request", { message: "x", response_topic: "r", ...args });
    assertEquals([result.success, result.code], [false, code], JSON.stringify(args));
    assertMatch(result.error ?? "", error);
  }
  await client.do("publish", { topic: "fence", message: "x" });
  const sent = broker.packets.all.filter(({ packet }) =>
    packet.cmd === "publish" || packet.cmd === "subscribe"
  );
  assertEquals(sent.length, 1);
});

Deno.test("a response topic that the broker refuses is told, and nothing is published", async () => {
  await using broker = startScriptedBroker(obliging({ subscribeCode: () => 0x87 }));
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
  });
  assertEquals([result.success, result.code], [false, "REFUSED_BY_BROKER"]);
  assertStringIncludes(result.error ?? "", "subscription");
  const sent = broker.connections.all.flatMap(({ packets }) => packets.all.map(({ cmd }) => cmd));
  assertEquals(sent.includes("publish"), false);
});
