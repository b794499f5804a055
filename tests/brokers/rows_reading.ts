/**
 * Stored values: get_retained, clearing one, list_topics.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { MqttPeer } from "../support/mqtt_client.ts";
import { payloadsOf, type Result } from "../tools/client.ts";
import { behindProxy, type Row, saysSo, type Stage, WORKS } from "./stage.ts";

/** See the module. */
export const READING_ROWS: readonly Row[] = [
  { title: "get_retained of one topic", run: exact },
  { title: "get_retained under a wildcard", run: wildcard },
  { title: "subscribe under a wildcard returns stored values", run: wildcardSubscription },
  { title: "get_retained beside a standing subscription leaves it alone", run: beside },
  { title: "publish with retain returns the replaced value; an empty one clears it", run: clear },
  { title: "list_topics: stored and live", run: list },
];

async function exact({ client, peer, topic }: Stage): Promise<string> {
  await peer.publish(topic, "21.5", { retain: true });
  const found = await client.do("get_retained", { topic, timeout: 5 });
  assertEquals(payloadsOf(found), ["21.5"]);
  assertEquals([found.messages[0]?.retain, found.complete, found.ended_by], [
    true,
    true,
    "exact_topic",
  ]);
  const none = await client.do("get_retained", { topic: `${topic}/none`, timeout: 5 });
  assertEquals([none.message_count, none.ended_by], [0, "burst_end"]);
  return WORKS;
}

async function wildcard({ client, peer, topic }: Stage): Promise<string> {
  const stored = await store(peer, topic);
  const found = await client.do("get_retained", { topic: `${topic}/#`, timeout: 5 });
  return complete(found, stored);
}

async function wildcardSubscription({ client, peer, topic }: Stage): Promise<string> {
  const stored = await store(peer, topic);
  return complete(await client.do("subscribe", { topic: `${topic}/#`, timeout: 1 }), stored);
}

/** All, or none with a word on it. */
function complete(result: Result, stored: readonly string[]): string {
  if (result.message_count === 0) {
    return saysSo(result.note?.includes("wildcard"), "none come");
  }
  assertEquals(result.messages.map(({ topic }) => topic).toSorted(), stored);
  assertEquals(result.messages.every(({ retain }) => retain), true);
  return WORKS;
}

async function store(peer: MqttPeer, topic: string): Promise<string[]> {
  const topics = ["a", "b", "c", "d/e"].map((end) => `${topic}/${end}`);
  for (const name of topics) await peer.publish(name, "on", { retain: true });
  return topics;
}

async function beside({ client, peer, topic }: Stage): Promise<string> {
  await peer.publish(topic, "stored", { retain: true });
  const stands = { topic, timeout: 5, max_messages: 1 };
  assertEquals(payloadsOf(await client.do("subscribe", stands)), ["stored"]);
  await peer.publish(topic, "live");
  assertEquals(payloadsOf(await client.do("get_retained", { topic, timeout: 5 })), ["stored"]);
  const live = { topic, timeout: 5, match: "live", include_retained: false };
  assertEquals(payloadsOf(await client.do("subscribe", live)), ["live"]);
  return WORKS;
}

async function clear({ client, topic }: Stage): Promise<string> {
  await client.do("publish", { topic, message: "old", retain: true });
  const second = await client.do("publish", { topic, message: "new", retain: true });
  assertEquals(replacedBy(second), "old");
  const third = await client.do("publish", { topic, message: "", retain: true });
  assertEquals(replacedBy(third), "new");
  const found = await client.do("get_retained", { topic, timeout: 5 });
  assertEquals(payloadsOf(found), []);
  return WORKS;
}

function replacedBy(result: Result): unknown {
  return (result as unknown as { replaced?: { payload?: unknown } }).replaced?.payload;
}

async function list(stage: Stage): Promise<string> {
  const { peer, topic } = stage;
  await peer.publish(`${topic}/stored`, "on", { retain: true });
  await using line = await behindProxy(stage);
  const listing = line.client.do("list_topics", { topic: `${topic}/#`, timeout: 1 });
  await line.proxy.saw("suback");
  await peer.publish(`${topic}/live`, "off");
  const result = await listing as unknown as {
    topics: { topic: string; retained: boolean; live: boolean }[];
    note: string;
  };
  const names = result.topics.map((it) => it.topic.slice(topic.length + 1));
  if (!names.includes("stored")) {
    assertEquals(names, ["live"]);
    return saysSo(result.note.includes("wildcard"), "live ones only");
  }
  assertEquals(
    result.topics.map(({ retained, live }) => [retained, live]),
    [[false, true], [true, false]],
  );
  return WORKS;
}
