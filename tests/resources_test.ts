import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodePayload } from "../src/payload.ts";
import { startAedes } from "./support/aedes.ts";
import { startMosquitto } from "./support/mosquitto.ts";
import { requireOrIgnore } from "./support/tools.ts";
import { McpClient } from "./tools/mcp_client.ts";
import { read, uriOf } from "./tools/resource_reading.ts";

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
