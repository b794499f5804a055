import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { testEachBroker } from "./brokers.ts";
import { startClient } from "./client.ts";

const NEVER_SENT: [Record<string, unknown>, string, RegExp][] = [
  [{ topic: "", message: "x" }, "INVALID_TOPIC", /Cannot publish to '': .* must not be empty/],
  [{ topic: "a/#", message: "x" }, "INVALID_TOPIC", /^Cannot publish to 'a\/#': .* wildcards$/],
  [{ topic: "a/+/b", message: "x" }, "INVALID_TOPIC", /wildcards/],
  [{ topic: "a\0b", message: "x" }, "INVALID_TOPIC", /NUL/],
  [{ topic: "a\ud800", message: "x" }, "INVALID_TOPIC", /surrogate/],
  [{ topic: "x".repeat(65_536), message: "x" }, "INVALID_TOPIC", /65,535/],
  [{ topic: "ä".repeat(32_768), message: "x" }, "INVALID_TOPIC", /65,535/],
  [{ topic: "a", message: "x", qos: 3 }, "INVALID_ARGUMENT", /qos must be one of 0, 1, 2/],
  [{ topic: "a", message: "x", qos: 1.5 }, "INVALID_ARGUMENT", /qos/],
  [{ topic: "a", message: "x", retain: "maybe" }, "INVALID_ARGUMENT", /retain must be/],
  [{ topic: "a", message: "\ud800" }, "INVALID_ARGUMENT", /surrogate/],
  [{ topic: "a", message: "%%%", encoding: "base64" }, "INVALID_ARGUMENT", /base64/],
  [{ topic: "a" }, "INVALID_ARGUMENT", /message is required/],
  [{ message: "x" }, "INVALID_ARGUMENT", /topic is required/],
  [{ topic: "a", message: "x", colour: 1 }, "INVALID_ARGUMENT", /no parameter 'colour'/],
];

testEachBroker(
  "a published message arrives as it was sent, at every QoS",
  async ({ client, peer }) => {
    await peer.subscribe("out/#", 2);
    for (const qos of [0, 1, 2, "1"]) {
      const topic = `out/${qos}`;
      const result = await client.do("publish", { topic, message: "größe €😀", qos });
      assertEquals([result.topic, result.qos, result.retain], [topic, Number(qos), false]);
      const message = await peer.messages.next();
      assertEquals([message.topic, message.text], [topic, "größe €😀"]);
      assertEquals(message.qos, Number(qos));
    }
  },
);

testEachBroker("empty and large messages arrive whole", async ({ client, peer }) => {
  await peer.subscribe("out/#");
  for (const length of [0, 1, 127, 128, 16_384, 1_048_576]) {
    await client.do("publish", { topic: "out/x", message: "x".repeat(length) });
    assertEquals((await peer.messages.next()).payload.length, length);
  }
});

testEachBroker("topics with odd but legal names are published to", async ({ client, peer }) => {
  await peer.subscribe("#");
  for (const topic of ["/", "a//b", " ", "a/ b", "ä/€/😀", "$odd", "x".repeat(10_000), "/lead"]) {
    await client.do("publish", { topic, message: "m" });
    if (!topic.startsWith("$")) assertEquals((await peer.messages.next()).topic, topic);
  }
});

Deno.test("what breaks a rule is refused with that rule, and nothing is sent", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  for (const [args, code, error] of NEVER_SENT) {
    const result = await client.call("publish", args);
    assertEquals([result.success, result.code], [false, code]);
    assertMatch(result.error ?? "", error);
    assertStringIncludes(result.error ?? "", "Cannot ");
  }
  await client.do("publish", { topic: "fence", message: "x" });
  const sent = broker.packets.all.filter(({ packet }) => packet.cmd === "publish");
  assertEquals(sent.length, 1);
});

Deno.test("a topic of any length that is allowed keeps the result within its bound", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_MAX_RESULT_CHARS: 1_000 });
  for (const topic of ["x".repeat(65_535), "\u202e".repeat(20_000), "\u0001".repeat(60_000)]) {
    await client.do("publish", { topic, message: "m" });
    await client.call("publish", { topic: `${topic}/#`, message: "m" });
  }
});

Deno.test("that nobody subscribes is a success with a note", async () => {
  await using broker = startScriptedBroker(obliging({ publishCode: () => 0x10 }));
  await using client = await startClient(broker);
  for (const qos of [1, 2]) {
    const result = await client.do("publish", { topic: "t", message: "x", qos });
    assertMatch(result.note ?? "", /no matching subscribers/);
  }
});

Deno.test("a refusal is an error that names its reason", async () => {
  await using broker = startScriptedBroker(
    obliging({ publishCode: (topic) => Number(topic) }),
  );
  await using client = await startClient(broker);
  for (
    const [code, name] of [
      [0x80, "unspecified error"],
      [0x87, "not authorized"],
      [0x90, "topic name invalid"],
      [0x97, "quota exceeded"],
      [0x99, "payload format invalid"],
    ] as const
  ) {
    for (const qos of [1, 2]) {
      const result = await client.call("publish", { topic: String(code), message: "x", qos });
      assertEquals([result.success, result.code], [false, "REFUSED_BY_BROKER"]);
      assertStringIncludes(result.error ?? "", name);
    }
  }
});

Deno.test("the broker's limits are kept without costing the connection", async () => {
  await using broker = startScriptedBroker(obliging({
    connackProperties: { maximumPacketSize: 100, maximumQoS: 0, retainAvailable: false },
  }));
  await using client = await startClient(broker);
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ message: "x".repeat(100), qos: 0 }, /at most 100/],
    [{ message: "x", qos: 1 }, /at most QoS 0/],
    [{ message: "x", qos: 2 }, /at most QoS 0/],
    [{ message: "x", qos: 0, retain: true }, /retained/],
  ];
  for (const [args, error] of refused) {
    const result = await client.call("publish", { topic: "t", ...args });
    assertEquals(result.code, "BROKER_LIMIT");
    assertMatch(result.error ?? "", error);
  }
  const filter = "f".repeat(120);
  assertEquals(
    (await client.call("subscribe", { topic: filter, timeout: 0 })).code,
    "BROKER_LIMIT",
  );
  assertEquals((await client.call("get_retained", { topic: "t" })).code, "BROKER_LIMIT");
  // 100 bytes exactly: 2 of header, 2 and 1 of topic, 1 of properties.
  await client.do("publish", { topic: "t", message: "x".repeat(94), qos: 0 });
  const peer = await broker.connections.next();
  assertEquals((await peer.next("publish")).payload.length, 94);
  assertEquals(broker.connections.all.length, 1);
});

Deno.test({
  name: "Mosquitto's limits are kept without costing the connection",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using broker = await startMosquitto({
      config: ["max_packet_size 1000", "retain_available false"],
    });
    await using client = await startClient(broker);
    const codeOf = async (args: object): Promise<string | undefined> =>
      (await client.call("publish", { topic: "t", message: "x", ...args })).code;
    assertEquals(await codeOf({ message: "x".repeat(1_000) }), "BROKER_LIMIT");
    assertEquals(await codeOf({ retain: true }), "BROKER_LIMIT");
    assertEquals(await codeOf({ message: "x".repeat(900) }), undefined);
    assert(!client.log.includes("connection lost"), client.log);
  },
});

Deno.test({
  name: "a topic that Mosquitto's access rules close is refused by name with MQTT 5",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using broker = await startMosquitto({ acl: ["topic readwrite open/#"] });
    await using client = await startClient(broker);
    const result = await client.call("publish", { topic: "closed", message: "x" });
    assertEquals(result.code, "REFUSED_BY_BROKER");
    assertMatch(result.error ?? "", /not authorized \(0x87\)/);
    await client.do("publish", { topic: "open/x", message: "x" });
  },
});

Deno.test("with retain, the value that is replaced is told", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await broker.publish("t", "old", { retain: true });
  const result: unknown = await client.do("publish", { topic: "t", message: "new", retain: true });
  assertEquals((result as { replaced?: { payload: string } }).replaced?.payload, "old");
  assertEquals((await client.do("get_retained", { topic: "t" })).messages[0]?.payload, "new");
});
