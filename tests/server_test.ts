import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startAedes } from "./support/aedes.ts";
import { within } from "./support/inbox.ts";
import { obliging, startScriptedBroker } from "./support/scripted_broker.ts";
import { dataOf, start, Wire } from "./support/wire.ts";

Deno.test("initialize answers with the client's version, capabilities and instructions", async () => {
  await using broker = await startAedes();
  await using wire = new Wire(broker);
  const { result } = await wire.begin();
  assertEquals(result?.["protocolVersion"], "2024-11-05");
  assertEquals((result?.["serverInfo"] as { name: string }).name, "mqtt-smcp-server");
  assertEquals("logging" in (result?.["capabilities"] as object), false);
  for (const word of ["get_retained", "subscribe", "publish", "untrusted"]) {
    assertStringIncludes(result?.instructions ?? "", word);
  }
});

Deno.test("what came in behind the credentials is heard first", async () => {
  await using broker = await startAedes();
  await using wire = new Wire(broker, {}, '{"jsonrpc":"2.0","id":"early","method":"ping"}\n{"json');
  await wire.serving.begin();
  assertEquals((await wire.messages.next()).id, "early");
  assertEquals((await wire.ask('rpc":"2.0","id":2,"method":"ping"}')).id, 2);
});

Deno.test("every tool is listed with both schemas, a title and all four hints", async () => {
  await using stage = await start();
  const { result } = await stage.wire.request(1, "tools/list");
  const names = result?.tools?.map(({ name }) => name) ?? [];
  for (const name of ["publish", "subscribe", "get_retained", "unsubscribe"]) {
    assert(names.includes(name), String(names));
  }
  for (const tool of result?.tools ?? []) {
    assert(String(tool["title"]).length > 0 && String(tool["description"]).length > 0);
    const { title: _title, ...hints } = tool["annotations"] as Record<string, unknown>;
    assertEquals(Object.values(hints).map((hint) => typeof hint), Array(4).fill("boolean"));
    assertEquals((tool["inputSchema"] as { type: string }).type, "object");
    assertEquals((tool["outputSchema"] as { required: string[] }).required, ["success"]);
  }
});

Deno.test("results are text and structure alike, in success and in failure", async () => {
  await using stage = await start();
  const published = dataOf(await stage.wire.call(1, "publish", { topic: "a", message: "x" }));
  assertEquals(published, { success: true, topic: "a", retain: false, qos: 1 });
  const failed = dataOf(await stage.wire.call(2, "publish", { topic: "a/#", message: "x" }));
  assertEquals(failed, {
    success: false,
    error: "Cannot publish to 'a/#': a topic name must not contain wildcards",
    code: "INVALID_TOPIC",
  });
});

Deno.test("texts from a parent that knows no numbers are taken for numbers", async () => {
  await using stage = await start();
  const args = { topic: "a", message: "x", retain: "true", qos: "2" };
  assertEquals(dataOf(await stage.wire.call(1, "publish", args))["qos"], 2);
  const read = dataOf(await stage.wire.call(2, "get_retained", { topic: "a", timeout: "5" }));
  assertEquals(read["message_count"], 1);
});

Deno.test("the server never speaks unasked: not of messages, losses or reconnections", async () => {
  await using stage = await start();
  const { broker, wire } = stage;
  dataOf(await wire.call(1, "subscribe", { topic: "t/#", timeout: 0 }));
  for (let i = 0; i < 20; i++) await broker.publish("t/x", String(i));
  const connects = broker.connects.length;
  broker.kill();
  await broker.packets.find(({ packet }) =>
    packet.cmd === "connect" && broker.connects.length > connects
  );
  const data = dataOf(await wire.call(2, "subscribe", { topic: "t/#", timeout: 0 }));
  assertEquals(data["message_count"], 20);
  await wire.assertQuietAndAlive();
});

Deno.test("the end of the input cancels what is under way and tells the owner", async () => {
  await using broker = await startAedes();
  await using wire = new Wire(broker);
  await wire.begin();
  wire.send({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "subscribe", arguments: { topic: "t", timeout: 300 } },
  });
  await broker.saw("subscribe");
  const before = wire.messages.all.length;
  wire.end();
  await within(5_000, "the client to be gone", wire.serving.clientGone);
  await wire.serving.stop(500);
  await broker.saw("disconnect");
  assertEquals(wire.messages.all.length, before);
});

Deno.test("calls that come before the connection stands wait for it", async () => {
  const go = Promise.withResolvers<void>();
  const script = obliging();
  await using broker = startScriptedBroker({
    async onPacket(packet, it) {
      if (packet.cmd === "connect") await go.promise;
      await script.onPacket?.(packet, it);
    },
  });
  await using wire = new Wire(broker);
  await wire.begin();
  const call = wire.call(1, "publish", { topic: "t", message: "x" });
  await broker.connections.next();
  go.resolve();
  assertEquals(dataOf(await call)["success"], true);
});

Deno.test("read-only leaves out what publishes, and what is left says so", async () => {
  await using stage = await start({ MQTT_READ_ONLY: true });
  const { result } = await stage.wire.request(1, "tools/list");
  const names = result?.tools?.map(({ name }) => name) ?? [];
  assert(!names.includes("publish") && names.includes("subscribe"), String(names));
  const answer = await stage.wire.call(2, "publish", { topic: "a", message: "x" });
  assertStringIncludes(JSON.stringify(answer.result), "MQTT_READ_ONLY is set");
});
