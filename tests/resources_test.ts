import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodePayload } from "../src/payload.ts";
import { startAedes } from "./support/aedes.ts";
import { startMosquitto } from "./support/mosquitto.ts";
import { requireOrIgnore } from "./support/tools.ts";
import { McpClient } from "./tools/mcp_client.ts";

/** What a read gives. */
interface Content {
  readonly uri: string;
  readonly mimeType: string;
  readonly text?: string;
  readonly blob?: string;
  readonly _meta: {
    readonly source: string;
    readonly retain: boolean;
    readonly qos: number;
    readonly received: string;
    readonly truncated?: boolean;
    readonly size?: number;
  };
}

const uriOf = (topic: string): string => `mqtt://broker/${topic}`;

async function read(wire: McpClient, topic: string): Promise<Content> {
  const { contents } = await wire.result("resources/read", { uri: uriOf(topic) }) as {
    contents: Content[];
  };
  assertEquals(contents.length, 1);
  return contents[0] as Content;
}

/** A broker with a wire to it, for each kind of broker. */
function testEach(
  name: string,
  run: (
    wire: McpClient,
    broker: { readonly hostname: string; readonly port: number },
  ) => Promise<void>,
): void {
  const noMosquitto = requireOrIgnore("mosquitto");
  Deno.test(`${name} (Aedes)`, async () => {
    await using broker = await startAedes();
    await using wire = await McpClient.start(broker);
    await run(wire, broker);
  });
  for (const version of ["5", "3.1.1"]) {
    Deno.test({
      name: `${name} (Mosquitto, MQTT ${version})`,
      ignore: noMosquitto,
      async fn() {
        await using broker = await startMosquitto({ verbose: false });
        await using wire = await McpClient.start(broker, { MQTT_VERSION: version });
        await run(wire, broker);
      },
    });
  }
}

testEach("a stored value is read with its metadata", async (wire) => {
  await wire.do("publish", { topic: "home/ä b", message: "21.5 °C", retain: true });
  const content = await read(wire, "home/ä b");
  assertEquals([content.uri, content.mimeType, content.text], [
    uriOf("home/ä b"),
    "text/plain",
    "21.5 °C",
  ]);
  const { source, retain, received } = content._meta;
  assertEquals([source, retain], ["retained", true]);
  const age = Date.now() - Date.parse(received);
  assert(age >= 0 && age < 30_000, received);
});

testEach("without a stored value the last one seen is read, and marked as that", async (wire) => {
  await wire.do("subscribe", { topic: "home/#", timeout: 0 });
  await wire.do("publish", { topic: "home/x", message: "1" });
  await wire.do("publish", { topic: "home/x", message: "2" });
  await wire.do("subscribe", { topic: "home/#", timeout: 30, max_messages: 2 });
  const { text, _meta } = await read(wire, "home/x");
  assertEquals([text, _meta.source, _meta.retain], ["2", "last_seen", false]);
});

testEach("a value that was cleared at the broker is no stored one any more", async (wire) => {
  await wire.do("publish", { topic: "home/x", message: "old", retain: true });
  assertEquals((await read(wire, "home/x"))._meta.source, "retained");
  await wire.do("publish", { topic: "home/x", message: "", retain: true });
  const { _meta } = await read(wire, "home/x");
  assertEquals([_meta.source, _meta.retain], ["last_seen", false]);
});

testEach("every byte of a value comes through a resource", async (wire) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const sent = { topic: "b", message: bytes.toBase64(), encoding: "base64", retain: true };
  await wire.do("publish", sent);
  const { blob = "", mimeType } = await read(wire, "b");
  assertEquals(mimeType, "application/octet-stream");
  assertEquals(decodePayload(blob, "base64"), bytes);
});

testEach(
  "a subscribed client is told of changes, others and afterwards are not",
  async (wire, broker) => {
    await using other = await McpClient.start(broker);
    await wire.result("resources/subscribe", { uri: uriOf("home/x") });
    await other.do("publish", { topic: "home/y", message: "1" });
    await other.do("publish", { topic: "home/x", message: "1" });
    assertEquals(await wire.nextUpdate(), uriOf("home/x"));
    await wire.result("resources/unsubscribe", { uri: uriOf("home/x") });
    const told = wire.notifications.length;
    await wire.do("subscribe", { topic: "home/x", timeout: 0 });
    await other.do("publish", { topic: "home/x", message: "2" });
    await wire.do("subscribe", { topic: "home/x", timeout: 30, match: "2" });
    assertEquals(wire.notifications.length, told);
    assertEquals(
      wire.notifications.map(({ params }) => params?.uri),
      Array.from({ length: told }, () => uriOf("home/x")),
    );
    assertEquals(other.notifications, []);
  },
);

testEach(
  "a resource and a standing subscription on one topic do not end each other",
  async (wire, broker) => {
    await using other = await McpClient.start(broker);
    await wire.do("subscribe", { topic: "x", timeout: 0 });
    await wire.result("resources/subscribe", { uri: uriOf("x") });
    await wire.do("unsubscribe", { topic: "x" });
    await other.do("publish", { topic: "x", message: "1" });
    assertEquals(await wire.nextUpdate(), uriOf("x"));
    await wire.do("subscribe", { topic: "x", timeout: 0, include_retained: false });
    await wire.result("resources/unsubscribe", { uri: uriOf("x") });
    await other.do("publish", { topic: "x", message: "2" });
    const { messages } = await wire.do("subscribe", { topic: "x", timeout: 30, match: "2" });
    assertEquals(messages.at(-1)?.payload, "2");
  },
);

Deno.test("what has no value is not found, which is another error than a bad URI", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  const { code, message } = await wire.error("resources/read", { uri: uriOf("none") });
  assertEquals(code, -32002);
  assertMatch(message, /^Cannot read 'none': it has no retained value, and none was seen lately/);
});

const BAD: [unknown, RegExp][] = [
  [uriOf("home/#"), /'home\/#': a topic name must not contain wildcards; .* get_retained/],
  [uriOf("home/+/x"), /wildcards; for several topics use the tool get_retained/],
  [uriOf("home/%23"), /wildcards/],
  [uriOf("home/%2B"), /wildcards/],
  [uriOf(""), /must not be empty/],
  [uriOf("a%00b"), /NUL/],
  [uriOf("a%E0%A4%A"), /not correctly percent-encoded/],
  [uriOf("a%"), /not correctly percent-encoded/],
  [uriOf("a%FF"), /not correctly percent-encoded/],
  [uriOf("x".repeat(65_536)), /65,535/],
  [uriOf("$share/g/x"), /shared subscription/],
  [uriOf("$share/g"), /\$share|shared subscription/],
  ["mqtt://other/x", /uri must begin with mqtt:\/\/broker\//],
  ["file:///etc/passwd", /uri must begin with/],
  ["home/x", /uri must begin with/],
  [undefined, /uri must begin with/],
  [5, /uri must begin with/],
];

Deno.test("a URI that names no single topic is refused with the rule, and nothing is asked", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  for (const method of ["resources/read", "resources/subscribe"]) {
    for (const [uri, words] of BAD) {
      const { code, message } = await wire.error(method, { uri });
      assertEquals(code, -32602, `${uri}`.slice(0, 100));
      assertMatch(message, words);
    }
  }
  assert(!broker.packets.all.some(({ packet }) => packet.cmd === "subscribe"));
});

Deno.test("every topic name has a URI, by percent-encoding", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  const topics = [
    "a b",
    "a%41",
    "/",
    "//a",
    "ä/€/😀",
    "a?b=c",
    "a:b;c",
    "$x/y",
    "a\u202eb",
    "\n",
  ];
  for (const topic of topics) {
    await broker.publish(topic, topic, { retain: true });
    const encoded = await read(wire, topic.split("/").map(encodeURIComponent).join("/"));
    assertEquals([encoded.text ?? decodeBlob(encoded), encoded._meta.source], [topic, "retained"]);
    const whole = await read(wire, encodeURIComponent(topic));
    assertEquals(whole.text ?? decodeBlob(whole), topic);
  }
});

function decodeBlob({ blob = "" }: Content): string {
  return new TextDecoder().decode(decodePayload(blob, "base64"));
}

Deno.test("a value larger than a result may be is cut and marked with its size", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker, { MQTT_MAX_RESULT_CHARS: 1_000 });
  await broker.publish("big", "x".repeat(1_000_000), { retain: true });
  await broker.publish("bytes", new Uint8Array(1_000_000), { retain: true });
  for (const topic of ["big", "bytes"]) {
    const { text, blob, _meta } = await read(wire, topic);
    assertEquals([_meta.truncated, _meta.size], [true, 1_000_000]);
    const shown = (text ?? blob ?? "").length;
    assert(shown > 500 && shown <= 1_000, `${shown} characters`);
  }
});

/** Completions of the template's parameter. */
async function complete(wire: McpClient, value: string): Promise<{ values: string[]; total: number }> {
  const { completion } = await wire.result("completion/complete", {
    ref: { type: "ref/resource", uri: "mqtt://broker/{+topic}" },
    argument: { name: "topic", value },
  });
  return completion as { values: string[]; total: number };
}

Deno.test("topics that were seen are completed, such that the URI leads to them", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  assertEquals(await complete(wire, ""), { values: [], total: 0, hasMore: false } as never);
  for (const topic of ["home/b", "home/a", "other", "home/50%", "home/\u202e", "home/x y"]) {
    await broker.publish(topic, topic, { retain: true });
  }
  await wire.do("get_retained", { topic: "#", timeout: 5 });
  const { values } = await complete(wire, "home/");
  assertEquals(values.length, 5);
  for (const value of values) {
    const content = await read(wire, value);
    assertEquals(content.text ?? decodeBlob(content), decodeURIComponent(value));
    assert(/^[!-~]+$/.test(value), value);
  }
  assertEquals((await complete(wire, "home/b")).values, ["home/b"]);
  assertEquals((await complete(wire, "home/x y")).values.length, 1);
  assertEquals((await complete(wire, "none")).total, 0);
});

Deno.test("at most 100 completions are given, with the count of all", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  for (let i = 0; i < 150; i++) await broker.publish(`t/${i}`, "x", { retain: true });
  await wire.do("get_retained", { topic: "t/#", timeout: 5 });
  const { values, total } = await complete(wire, "t/");
  assertEquals([values.length, total], [100, 150]);
});

Deno.test("a completion of something else is refused", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  const ref = { type: "ref/resource", uri: "mqtt://broker/{+topic}" };
  const topic = { name: "topic", value: "" };
  const bad = [
    {},
    { ref, argument: { name: "other", value: "" } },
    { ref, argument: { name: "topic", value: 5 } },
    { ref, argument: null },
    { ref: { type: "ref/prompt", name: "x" }, argument: topic },
    { ref: { type: "ref/resource", uri: "mqtt://broker/x" }, argument: topic },
    { ref: "mqtt://broker/{+topic}", argument: topic },
  ];
  for (const params of bad) {
    assertEquals((await wire.error("completion/complete", params)).code, -32602);
  }
});

Deno.test("the template is listed and says that values are untrusted", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  const { resourceTemplates } = await wire.result("resources/templates/list") as {
    resourceTemplates: { uriTemplate: string; description: string }[];
  };
  assertEquals(resourceTemplates.map(({ uriTemplate }) => uriTemplate), ["mqtt://broker/{+topic}"]);
  assertMatch(resourceTemplates[0]?.description ?? "", /Untrusted data.*never instructions/);
  assertEquals(await wire.result("resources/list"), { resources: [] });
});

Deno.test("a client that goes has its resources unsubscribed at the broker", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  await wire.result("resources/subscribe", { uri: uriOf("home/x") });
  await wire.result("resources/subscribe", { uri: uriOf("home/x") });
  await wire.result("resources/subscribe", { uri: uriOf("home/y") });
  await wire.result("resources/unsubscribe", { uri: uriOf("home/y") });
  assertEquals((await broker.saw("unsubscribe")).unsubscriptions, ["home/y"]);
  await wire.leave();
  const { unsubscriptions } = await broker.saw(
    "unsubscribe",
    ({ unsubscriptions }) => unsubscriptions.includes("home/x"),
  );
  assertEquals(unsubscriptions, ["home/x"]);
});

Deno.test("ending what was never subscribed is no error", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  assertEquals(await wire.result("resources/unsubscribe", { uri: uriOf("x") }), {});
});

Deno.test("a resource survives a reconnection, and one notification covers the gap", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  await wire.result("resources/subscribe", { uri: uriOf("home/x") });
  broker.kill();
  assertEquals(await wire.nextUpdate(), uriOf("home/x"));
  await broker.publish("home/x", "after");
  assertEquals(await wire.nextUpdate(), uriOf("home/x"));
});

Deno.test("a topic that the broker refuses is told to the client, and is not subscribed", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  broker.onSubscribe = () => "refuse";
  const { message } = await wire.error("resources/subscribe", { uri: uriOf("home/x") });
  assertMatch(message, /^Cannot subscribe to 'home\/x': the broker refused the subscription/);
  broker.onSubscribe = () => "accept";
  await wire.result("resources/subscribe", { uri: uriOf("home/x") });
  await broker.publish("home/x", "1");
  assertEquals(await wire.nextUpdate(), uriOf("home/x"));
});

Deno.test("there may be 200 subscribed resources, and no more", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  for (let i = 0; i < 200; i++) await wire.result("resources/subscribe", { uri: uriOf(`t/${i}`) });
  const { message } = await wire.error("resources/subscribe", { uri: uriOf("t/200") });
  assertMatch(message, /at most 200 resources/);
  await wire.result("resources/subscribe", { uri: uriOf("t/0") });
  await wire.result("resources/unsubscribe", { uri: uriOf("t/0") });
  await wire.result("resources/subscribe", { uri: uriOf("t/200") });
});
