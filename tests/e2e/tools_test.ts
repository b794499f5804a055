import { assert, assertArrayIncludes, assertEquals, assertObjectMatch } from "@std/assert";
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import { connectPeer } from "../support/mqtt_client.ts";
import { callTool, sdkClient } from "../support/sdk_client.ts";
import { credentialsFor, spawnServer } from "../support/server_process.ts";
import { testEachBroker } from "./test_brokers.ts";

/** The tools that every release has. */
const TOOLS = ["get_retained", "publish", "subscribe", "unsubscribe"];

testEachBroker(
  "the official client finds the tools, in a form that Shepherd can read",
  async (stage) => {
    await using server = spawnServer({ kind: stage.kind });
    const client = await sdkClient(server, credentialsFor(stage.broker));
    const { tools }: { tools: Tool[] } = await client.listTools();
    assertArrayIncludes(tools.map(({ name }) => name), TOOLS);
    for (const { name, description, inputSchema, outputSchema, annotations } of tools) {
      assert(description !== undefined && annotations !== undefined && outputSchema !== undefined);
      for (const [key, property] of Object.entries(inputSchema.properties ?? {})) {
        const { type, description } = property as { type: unknown; description: unknown };
        assertEquals([typeof type, typeof description], ["string", "string"], `${name}.${key}`);
      }
    }
    assert((client.getInstructions() ?? "").length > 0);
  },
);

testEachBroker("publish reaches another client at every QoS", async ({ kind, broker, url }) => {
  await using server = spawnServer({ kind });
  const client = await sdkClient(server, credentialsFor(broker));
  await using peer = await connectPeer(url);
  await peer.subscribe("out/#", 2);
  for (const qos of [0, 1, 2]) {
    const topic = `out/${qos}`;
    const answer = await callTool(client, "publish", { topic, message: "héllo €", qos });
    assertObjectMatch(answer.data, { success: true, topic, retain: false, qos });
    assertEquals(answer.isError, false);
    assertEquals(answer.structuredContent, answer.data);
    const message = await peer.messages.next();
    assertEquals([message.topic, message.text, message.qos], [topic, "héllo €", qos]);
  }
});

testEachBroker("a retained message comes back until it is cleared", async ({ kind, broker }) => {
  await using server = spawnServer({ kind });
  const client = await sdkClient(server, credentialsFor(broker));
  const read = () => callTool(client, "get_retained", { topic: "kept/+", timeout: 5 });
  for (const topic of ["kept/a", "kept/b"]) {
    await callTool(client, "publish", { topic, message: `of ${topic}`, retain: true });
  }
  const { data } = await read();
  const messages = data["messages"] as Record<string, unknown>[];
  const sorted = messages.toSorted((a, b) => String(a["topic"]).localeCompare(String(b["topic"])));
  assertObjectMatch({ sorted }, {
    sorted: [
      { topic: "kept/a", payload: "of kept/a", retain: true },
      { topic: "kept/b", payload: "of kept/b", retain: true },
    ],
  });
  await callTool(client, "publish", { topic: "kept/a", message: "", retain: true });
  assertEquals((await read()).data["message_count"], 1);
});

testEachBroker("subscribe gives what arrived since, once each", async ({ kind, broker, url }) => {
  await using server = spawnServer({ kind });
  const client = await sdkClient(server, credentialsFor(broker));
  await using peer = await connectPeer(url);
  const empty = {
    success: true,
    message_count: 0,
    messages: [],
    remaining: 0,
    dropped: 0,
    gaps: [],
  };
  const first = await callTool(client, "subscribe", { topic: "in/#", timeout: 0 });
  assertObjectMatch(first.data, empty);
  const bytes = new Uint8Array([0xff, 0x00, 0x80]);
  await peer.publish("in/text", "größe");
  await peer.publish("in/bytes", bytes);
  await peer.publish("elsewhere", "x");
  const second = await callTool(client, "subscribe", {
    topic: "in/#",
    timeout: 10,
    max_messages: 2,
  });
  assertObjectMatch(second.data, {
    message_count: 2,
    messages: [
      { topic: "in/text", payload: "größe", retain: false, qos: 1 },
      { topic: "in/bytes", payload: "/wCA", encoding: "base64", retain: false, qos: 1 },
    ],
  });
  const third = await callTool(client, "subscribe", { topic: "in/#", timeout: 0 });
  assertObjectMatch(third.data, empty);
});

testEachBroker(
  "unsubscribe ends it, and a second one is an error",
  async ({ kind, broker, url }) => {
    await using server = spawnServer({ kind });
    const client = await sdkClient(server, credentialsFor(broker));
    await using peer = await connectPeer(url);
    await callTool(client, "subscribe", { topic: "in/#", timeout: 0 });
    const ended = await callTool(client, "unsubscribe", { topic: "in/#" });
    assertObjectMatch(ended.data, { success: true, topic: "in/#" });
    await peer.publish("in/lost", "x");
    const again = await callTool(client, "unsubscribe", { topic: "in/#" });
    assertEquals([again.isError, again.data.success], [true, false]);
    assertEquals(again.data["code"], "NO_SUBSCRIPTION");
    const anew = await callTool(client, "subscribe", { topic: "in/#", timeout: 0 });
    assertEquals(anew.data["message_count"], 0);
  },
);

testEachBroker("calls run side by side without disturbing each other", async (stage) => {
  await using server = spawnServer({ kind: stage.kind });
  const client = await sdkClient(server, credentialsFor(stage.broker));
  const call = (name: string, args: Record<string, unknown>) => callTool(client, name, args);
  await call("publish", { topic: "s/kept", message: "kept", retain: true });
  for (const topic of ["s/#", "s/+"]) {
    const { data } = await call("subscribe", { topic, timeout: 10, max_messages: 1 });
    assertEquals(payloads(data), ["kept"]);
  }
  const count = 30;
  const waits = ["s/#", "s/+"].map((topic) =>
    call("subscribe", { topic, timeout: 20, max_messages: count })
  );
  const retained = call("get_retained", { topic: "s/#", timeout: 5 });
  const published = await Promise.all(
    Array.from({ length: count }, (_, i) => call("publish", { topic: `s/${i}`, message: `${i}` })),
  );
  assert(published.every(({ data }) => data.success));
  assertEquals(payloads((await retained).data), ["kept"]);
  const expected = Array.from({ length: count }, (_, i) => `${i}`).sort();
  for (const { data } of await Promise.all(waits)) assertEquals(payloads(data), expected);
});

function payloads(data: Record<string, unknown>): unknown[] {
  return (data["messages"] as Record<string, unknown>[]).map(({ payload }) => payload).sort();
}
