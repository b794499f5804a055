import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import type { IPublishPacket } from "mqtt-packet";
import { Buffer } from "node:buffer";
import { startAedes } from "../support/aedes.ts";
import { obliging, type ScriptedBroker, startScriptedBroker } from "../support/scripted_broker.ts";
import { testEachBroker } from "./brokers.ts";
import { type Client, startClient } from "./client.ts";
import type { PublishResult, ShownWithProperties } from "./results.ts";

const USER_PROPERTIES: Record<string, string | string[]> = {
  unit: "°C",
  "": "empty name",
  sensor: "a b",
};

/** Every property that a caller can give a message. */
const PROPERTIES = {
  content_type: "application/json",
  message_expiry: 3_600,
  response_topic: "answers/here",
  correlation_data: "größe-1",
  user_properties: USER_PROPERTIES,
};

/** Publishes and gives the packet that the broker got. */
async function sentBy(
  client: Client,
  broker: ScriptedBroker,
  args: Record<string, unknown>,
): Promise<IPublishPacket> {
  const topic = `p/${crypto.randomUUID()}`;
  await client.do("publish", { topic, message: "m", ...args });
  const [connection] = broker.connections.all;
  assert(connection !== undefined);
  const packet = await connection.packets.find((it) => it.cmd === "publish" && it.topic === topic);
  return packet as IPublishPacket;
}

testEachBroker("what a base64 message says is what is sent, whatever the bytes", async (stage) => {
  const { client, peer } = stage;
  await peer.subscribe("b");
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (const bytes of [all, new Uint8Array(), Uint8Array.of(0xff)]) {
    const args = { topic: "b", message: bytes.toBase64(), encoding: "base64" };
    await client.do("publish", args);
    assertEquals((await peer.messages.next()).payload.toHex(), bytes.toHex());
  }
});

testEachBroker(
  "properties reach the other side on MQTT 5, and on 3.1.1 nothing is sent",
  async (stage) => {
    const { client, peer, version } = stage;
    if (version === "5") {
      await client.do("subscribe", { topic: "p", timeout: 0 });
      await client.do("publish", { topic: "p", message: "m", ...PROPERTIES });
      const { messages: [shown] } = await client.do("subscribe", {
        topic: "p",
        timeout: 5,
        max_messages: 1,
      });
      const { message_expiry, ...rest } = shown as ShownWithProperties;
      assert(message_expiry !== undefined && message_expiry <= 3_600 && message_expiry > 3_500);
      assertEquals(rest, {
        topic: "p",
        payload: "m",
        retain: false,
        qos: 1,
        received: shown?.received ?? "",
        content_type: PROPERTIES.content_type,
        response_topic: PROPERTIES.response_topic,
        correlation_data: PROPERTIES.correlation_data,
        user_properties: PROPERTIES.user_properties,
      });
      return;
    }
    await peer.subscribe("p");
    for (const [name, value] of Object.entries(PROPERTIES)) {
      const result = await client.call("publish", { topic: "p", message: "m", [name]: value });
      assertEquals([result.success, result.code], [false, "NOT_SUPPORTED"]);
      assertEquals(
        result.error,
        `Cannot publish to 'p': ${name} needs MQTT 5, and the connection to this broker speaks ` +
          "MQTT 3.1.1",
      );
    }
    await client.do("publish", { topic: "p", message: "fence" });
    assertEquals((await peer.messages.next()).text, "fence");
  },
);

testEachBroker("an empty retained message clears the value, and says so", async ({ client }) => {
  await client.do("publish", { topic: "r", message: "kept", retain: true });
  const cleared = await client.do("publish", {
    topic: "r",
    message: "",
    retain: true,
  }) as PublishResult;
  assertMatch(cleared.note ?? "", /clears the topic's retained value/);
  assertEquals(cleared.replaced?.payload, "kept");
  const { message_count } = await client.do("get_retained", { topic: "r", timeout: 5 });
  assertEquals(message_count, 0);
  const empty = await client.do("publish", { topic: "r", message: "" });
  assertFalse((empty.note ?? "").includes("clears"));
});

testEachBroker(
  "a retained publish returns the value that it replaced, and disturbs nobody",
  async ({ client }) => {
    await client.do("subscribe", { topic: "r/#", timeout: 0 });
    const first = await client.do("publish", { topic: "r/x", message: "1", retain: true });
    assertFalse("replaced" in first);
    const second = await client.do("publish", {
      topic: "r/x",
      message: "2",
      retain: "true",
    }) as PublishResult;
    assertEquals([second.replaced?.topic, second.replaced?.payload], ["r/x", "1"]);
    assertEquals(second.replaced?.retain, true);
    const live = await client.do("publish", { topic: "r/x", message: "3" });
    assertFalse("replaced" in live);
    const { messages } = await client.do("subscribe", {
      topic: "r/#",
      timeout: 5,
      max_messages: 3,
      include_retained: false,
    });
    assertEquals(messages.map(({ payload, retain }) => [payload, retain]), [
      ["1", false],
      ["2", false],
      ["3", false],
    ]);
  },
);

Deno.test("a replaced value as large as a packet may be is cut to the bound of the result", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_MAX_RESULT_CHARS: 2_000 });
  await broker.publish("r", "x".repeat(1_000_000), { retain: true });
  const result = await client.do("publish", {
    topic: "r",
    message: "2",
    retain: true,
  }) as PublishResult;
  assertEquals([result.replaced?.truncated, result.replaced?.size], [true, 1_000_000]);
});

Deno.test("the replaced value is not looked up where the policy forbids subscribing", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_DENY_SUBSCRIBE: "secret/#" });
  await broker.publish("secret/x", "hidden", { retain: true });
  const result = await client.do("publish", { topic: "secret/x", message: "2", retain: true });
  assertFalse("replaced" in result);
  assertFalse(broker.packets.all.some(({ packet }) => packet.cmd === "subscribe"));
});

Deno.test("a look-up that the broker refuses or never answers does not stop the publish", async () => {
  for (const code of [0x87, null]) {
    await using broker = startScriptedBroker(obliging({ subscribeCode: () => code }));
    await using client = await startClient(broker);
    const result = await client.do("publish", { topic: "r", message: "1", retain: true });
    assertFalse("replaced" in result);
  }
});

Deno.test("a topic name that begins with $share is not looked up as a shared subscription", async () => {
  for (const topic of ["$share/g/x", "$share/g", "$share"]) {
    await using broker = startScriptedBroker(obliging());
    await using client = await startClient(broker);
    await client.call("publish", { topic, message: "1", retain: true });
    const sent = broker.connections.all[0]?.packets.all.map(({ cmd }) => cmd) ?? [];
    assertFalse(sent.includes("subscribe"), `${topic}: ${sent.join()}`);
  }
});

Deno.test("what cannot be sent is refused before anything is asked of the broker", async () => {
  await using old = await startAedes();
  await using client = await startClient(old);
  const unsupported = { topic: "a", message: "1", retain: true, content_type: "text/plain" };
  assertEquals((await client.call("publish", unsupported)).code, "NOT_SUPPORTED");
  assertFalse(old.packets.all.some(({ packet }) => packet.cmd === "subscribe"));
  await using broker = startScriptedBroker(
    obliging({ connackProperties: { maximumPacketSize: 100 } }),
  );
  await using limited = await startClient(broker);
  const large = { topic: "a", message: "x".repeat(100), retain: true };
  assertEquals((await limited.call("publish", large)).code, "BROKER_LIMIT");
  assertFalse(broker.connections.all[0]?.packets.all.some(({ cmd }) => cmd === "subscribe"));
});

Deno.test("properties are written into the packet as they were given", async () => {
  await using broker = startScriptedBroker(obliging());
  await using client = await startClient(broker);
  const { properties } = await sentBy(client, broker, PROPERTIES);
  assertEquals(properties?.contentType, "application/json");
  assertEquals(properties?.messageExpiryInterval, 3_600);
  assertEquals(properties?.responseTopic, "answers/here");
  assertEquals(properties?.correlationData?.toString(), "größe-1");
  assertEquals({ ...properties?.userProperties }, PROPERTIES.user_properties);
  assertEquals((await sentBy(client, broker, { message_expiry: "0" })).properties, {
    messageExpiryInterval: 0,
  });
  assertFalse("properties" in (await sentBy(client, broker, {})));
});

Deno.test("user properties may come as an object or as JSON text", async () => {
  await using broker = startScriptedBroker(obliging());
  await using client = await startClient(broker);
  const sent: [unknown, Record<string, string>][] = [
    [{ a: "1", b: 2, c: true }, { a: "1", b: "2", c: "true" }],
    ['{"a":"1","b":2,"c":false}', { a: "1", b: "2", c: "false" }],
    ["{}", {}],
    [
      JSON.parse('{"__proto__":"p","constructor":"c"}'),
      JSON.parse('{"__proto__":"p","constructor":"c"}'),
    ],
  ];
  for (const [user_properties, wanted] of sent) {
    const { properties } = await sentBy(client, broker, { user_properties });
    const got = Object.entries(properties?.userProperties ?? {}).toSorted();
    assertEquals(got, Object.entries(wanted).toSorted());
  }
});

Deno.test("a property that is wrong is named with the rule, and nothing is sent", async () => {
  await using broker = startScriptedBroker(obliging());
  await using client = await startClient(broker);
  const bad: [Record<string, unknown>, RegExp][] = [
    [{ user_properties: "unit=C" }, /user_properties must be a JSON object of texts/],
    [{ user_properties: "" }, /user_properties/],
    [{ user_properties: "[1]" }, /user_properties must be a JSON object of texts/],
    [{ user_properties: ["a"] }, /user_properties must be a JSON object of texts/],
    [{ user_properties: { a: { b: 1 } } }, /each value of user_properties must be a text/],
    [{ user_properties: { a: null } }, /each value of user_properties must be a text/],
    [{ user_properties: { "\0": "x" } }, /user_properties: must not contain the NUL/],
    [{ user_properties: { a: "x".repeat(65_536) } }, /user_properties: must be at most 65,535/],
    [{ user_properties: 5 }, /user_properties must be a string/],
    [{ content_type: "\0" }, /content_type: must not contain the NUL/],
    [{ content_type: "x".repeat(65_536) }, /content_type: must be at most 65,535/],
    [{ content_type: 5 }, /content_type must be a string/],
    [{ message_expiry: -1 }, /message_expiry must be an integer from 0 to 4294967295/],
    [{ message_expiry: 4_294_967_296 }, /message_expiry must be/],
    [{ message_expiry: "soon" }, /message_expiry must be/],
    [{ response_topic: "a/#" }, /response_topic: .*wildcards/],
    [{ response_topic: "" }, /response_topic: .*empty/],
    [{ correlation_data: "\ud800" }, /correlation_data: .*surrogate/],
    [{ encoding: "hex" }, /encoding must be one of "utf8", "base64"/],
  ];
  for (const [args, error] of bad) {
    const result = await client.call("publish", { topic: "p", message: "m", ...args });
    assertEquals([result.success, result.code], [false, "INVALID_ARGUMENT"], JSON.stringify(args));
    assertMatch(result.error ?? "", error);
  }
  assertFalse(broker.connections.all[0]?.packets.all.some(({ cmd }) => cmd === "publish"));
});

Deno.test("properties that several messages have in common, and several of one name, are shown", async () => {
  await using broker = startScriptedBroker(obliging({
    onSubscribed: (_filters, connection) =>
      connection.send({
        cmd: "publish",
        topic: "p",
        payload: "m",
        qos: 0,
        dup: false,
        retain: false,
        properties: {
          correlationData: Buffer.of(0xff, 0xc0, 0x80),
          userProperties: { tag: ["a", "b"], one: "1" },
        },
      }),
  }));
  await using client = await startClient(broker);
  const { messages: [shown] } = await client.do("subscribe", {
    topic: "p",
    timeout: 5,
    max_messages: 1,
  });
  const { correlation_data, correlation_data_encoding, user_properties } =
    shown as ShownWithProperties;
  assertEquals([correlation_data, correlation_data_encoding], ["/8CA", "base64"]);
  assertEquals(user_properties, { tag: ["a", "b"], one: "1" });
});

Deno.test("the broker's answer that nobody subscribes is told as a note", async () => {
  await using broker = startScriptedBroker(obliging({ publishCode: () => 0x10 }));
  await using client = await startClient(broker);
  const { note } = await client.do("publish", { topic: "p", message: "" });
  assertStringIncludes(note ?? "", "no matching subscribers");
});
