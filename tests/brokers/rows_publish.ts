/**
 * Publishing: each quality of service, odd topic names and payloads, and request.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { Random } from "../support/random.ts";
import type { Client, Result } from "../tools/client.ts";
import { behindProxy, connectBare, type Row, saysSo, type Stage, WORKS } from "./stage.ts";

/** How long a message that may never come is waited for, in seconds. */
const ABSENCE_S = 1;

/** See the module. */
export const PUBLISH_ROWS: readonly Row[] = [
  { title: "publish at QoS 0", run: (stage) => publish(stage, 0) },
  { title: "publish at QoS 1", run: (stage) => publish(stage, 1) },
  { title: "publish at QoS 2", run: (stage) => publish(stage, 2) },
  { title: "any bytes as payload, both ways", run: binary },
  { title: "a dot in a topic name", run: (stage) => oddTopic(stage, "/a.b") },
  { title: "a space in a topic name", run: (stage) => oddTopic(stage, "/a b") },
  { title: "an empty level in a topic name", run: (stage) => oddTopic(stage, "//b") },
  { title: "publish to $SYS", run: system },
  { title: "request, answered on a topic of its own", run: request },
  { title: "request, answered on a private topic", run: privateRequest },
];

async function publish(stage: Stage, qos: 0 | 1 | 2): Promise<string> {
  const { peer, topic } = stage;
  await peer.subscribe(topic);
  await using line = await behindProxy(stage);
  const { client, proxy } = line;
  const result = await client.call("publish", { topic, message: "on", qos });
  if (!result.success) return await closing(client, result, { topic, message: "on", qos });
  assertEquals((await peer.messages.next()).text, "on");
  const asQos1 = proxy.packets.all.some(({ from, packet }) =>
    from === "broker" && packet.cmd === "puback"
  );
  if (qos !== 2 || !asQos1) return WORKS;
  return saysSo(result.note?.includes("QoS 1"), "taken as QoS 1");
}

/** A broker that ends the connection over a message: the answers must lay it to that. */
async function closing(
  client: Client,
  first: Result,
  args: Readonly<Record<string, unknown>>,
): Promise<string> {
  assertEquals(first.code, "OUTCOME_UNKNOWN");
  for (let again = 0; again < 2; again++) await client.call("publish", args);
  const { last_error = "" } = await client.do("status", {}) as { last_error?: string };
  assert(!last_error.includes("client id"), last_error);
  await client.do("publish", { ...args, qos: 1 });
  return saysSo(first.hint?.includes("may not take"), "the broker closes the connection");
}

async function binary({ client, peer, topic }: Stage): Promise<string> {
  const bytes = new Random(1).bytes(4_096);
  const message = Buffer.from(bytes).toString("base64");
  await client.do("subscribe", { topic, timeout: 0 });
  await peer.subscribe(topic);
  await client.do("publish", { topic, message, encoding: "base64" });
  assertEquals([...(await peer.messages.next()).payload], [...bytes]);
  const { messages } = await client.do("subscribe", { topic, timeout: 5, max_messages: 1 });
  assertEquals(messages.map(({ payload, encoding }) => [payload, encoding]), [[message, "base64"]]);
  return WORKS;
}

async function oddTopic(stage: Stage, end: string): Promise<string> {
  const topic = `${stage.topic}${end}`;
  await using line = await behindProxy(stage);
  const { client, proxy } = line;
  const standing = await client.call("subscribe", { topic, timeout: 0 });
  const published = await client.call("publish", { topic, message: "on" });
  if (!standing.success) {
    return refusal(standing, published);
  }
  assertEquals(published.success, true);
  const result = await client.do("subscribe", {
    topic,
    timeout: ABSENCE_S,
    max_messages: 1,
  });
  const [message] = result.messages;
  if (message?.topic === topic) return WORKS;
  const { topic: name } = await proxy.saw("publish", (packet) => packet.topic !== topic);
  const said = result.note?.includes("no subscription matches");
  return saysSo(said, `comes as \`${name.slice(stage.topic.length)}\``);
}

async function system(stage: Stage): Promise<string> {
  await using line = await behindProxy(stage);
  const result = await line.client.call("publish", { topic: "$SYS/mqtt-smcp", message: "x" });
  return result.success ? WORKS : refusal(result);
}

async function request({ client, peer, topic }: Stage): Promise<string> {
  await peer.subscribe(`${topic}/set`);
  const answering = peer.messages.next().then(({ text }) => peer.publish(`${topic}/state`, text));
  const result = await client.do("request", {
    topic: `${topic}/set`,
    message: "on",
    response_topic: `${topic}/state`,
  });
  await answering;
  assertEquals(responseOf(result), "on");
  return WORKS;
}

async function privateRequest({ broker, client, topic }: Stage): Promise<string> {
  const args = { topic, message: "on" };
  const { state } = client.session;
  if (state.kind === "connected" && state.connection.version !== "5") {
    const result = await client.call("request", args);
    assertStringIncludes(result.error ?? "", "MQTT 3.1.1");
    return refusal(result);
  }
  await using responder = await connectBare(broker, 5);
  responder.client.on("message", (_topic, payload, { properties }) => {
    const { responseTopic = "", correlationData = Buffer.alloc(0) } = properties ?? {};
    responder.client.publish(responseTopic, payload, { qos: 1, properties: { correlationData } });
  });
  await responder.subscribe(topic);
  assertEquals(responseOf(await client.do("request", args)), "on");
  return WORKS;
}

/** The outcome when calls failed with these answers. */
export function refusal(...answers: readonly Result[]): string {
  const codes = new Set(answers.map(({ code }) => code));
  return saysSo(answers.every(({ error }) => error !== undefined), [...codes].join(", "));
}

function responseOf(result: Result): unknown {
  const { response } = result as unknown as { response?: { payload?: unknown } };
  return response?.payload;
}
