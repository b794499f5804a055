import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { within } from "../support/inbox.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { testEachBroker } from "./brokers.ts";
import { type Client, startClient } from "./client.ts";
import type { ListResult } from "./results.ts";

/** Lists, page by page, until there is no cursor. */
async function listAll(client: Client, args: Record<string, unknown>): Promise<ListResult[]> {
  const pages: ListResult[] = [];
  let cursor: string | undefined;
  do {
    const more: Record<string, unknown> = cursor === undefined ? {} : { cursor };
    const page = await client.do("list_topics", { ...args, ...more }) as ListResult;
    pages.push(page);
    cursor = page.next_cursor;
    assert(pages.length <= 100, "the cursor does not come to an end");
  } while (cursor !== undefined);
  return pages;
}

function namesOf(pages: readonly ListResult[]): string[] {
  return pages.flatMap(({ topics }) => topics.map(({ topic }) => topic));
}

testEachBroker(
  "stored and live topics are listed, sorted, with what was seen of each",
  async (stage) => {
    const { client, peer, broker } = stage;
    await peer.publish("home/b", "stored", { retain: true });
    await peer.publish("home/a", "first", { retain: true });
    await peer.publish("other", "x", { retain: true });
    await using other = await startClient(broker);
    const standing = { topic: "home/#", include_retained: false };
    await client.do("subscribe", { ...standing, timeout: 0 });
    const listing = client.do("list_topics", { topic: "home/#", timeout: 0.35 });
    // Calls on one filter take turns, so once this one is through the list is listening.
    await client.do("subscribe", { ...standing, timeout: 0 });
    for (const text of ["1", "2"]) await other.do("publish", { topic: "home/a", message: text });
    await other.do("publish", { topic: "home/c", message: "live" });
    const result = await listing as ListResult;
    assertEquals([result.topic, result.topic_count], ["home/#", 3]);
    assertEquals(result.topics, [
      { topic: "home/a", messages: 3, last: "2", retained: true, live: true },
      { topic: "home/b", messages: 1, last: "stored", retained: true, live: false },
      { topic: "home/c", messages: 1, last: "live", retained: false, live: true },
    ]);
    assertEquals(result.next_cursor, undefined);
    assertMatch(result.note, /only topics with a stored value or a message during the timeout/);
    const { messages } = await client.do("subscribe", { ...standing, timeout: 5, max_messages: 3 });
    assertEquals(messages.map(({ topic, payload }) => `${topic} ${payload}`), [
      "home/a 1",
      "home/a 2",
      "home/c live",
    ]);
  },
);

testEachBroker(
  "without a filter every topic is listed, but for those that begin with $",
  async (stage) => {
    const { client, peer } = stage;
    for (const topic of ["z", "a/b/c", "/", "ä"]) await peer.publish(topic, "x", { retain: true });
    const result = await client.do("list_topics", { timeout: 0.25 }) as ListResult;
    assertEquals(namesOf([result]), ["/", "a/b/c", "z", "ä"]);
  },
);

Deno.test("an empty picture says why it may be empty", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  const result = await client.do("list_topics", { topic: "none/#", timeout: 0.2 }) as ListResult;
  assertEquals([result.topic_count, result.topics, result.success], [0, [], true]);
  assertMatch(result.note, /no stored value came: some brokers do not send those for a wildcard/);
});

testEachBroker("the cursor leads through all pages, each topic once", async ({ client, peer }) => {
  const names = Array.from({ length: 25 }, (_, i) => `p/${String(i).padStart(2, "0")}`);
  for (const name of names) await peer.publish(name, name, { retain: true });
  const pages = await listAll(client, { topic: "p/+", timeout: 0.25, limit: 10 });
  assertEquals(pages.map(({ topics }) => topics.length), [10, 10, 5]);
  assertEquals(pages.map(({ topic_count }) => topic_count), [25, 25, 25]);
  assertEquals(namesOf(pages), names);
});

Deno.test("a payload is shown by its beginning, and bytes by their number", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  const payloads: Record<string, string | Uint8Array> = {
    bytes: Uint8Array.of(0xff, 0x00),
    emoji: "😀".repeat(60),
    euro: "€".repeat(200),
    long: "x".repeat(100_000),
    quote: 'say "hi"\n',
    short: "21.5",
  };
  for (const [name, payload] of Object.entries(payloads)) {
    await broker.publish(`p/${name}`, payload, { retain: true });
  }
  const { topics } = await client.do("list_topics", { topic: "p/#", timeout: 0.25 }) as ListResult;
  const last = Object.fromEntries(topics.map(({ topic, last }) => [topic.slice(2), last]));
  assertEquals(last["short"], "21.5");
  assertEquals(last["quote"], 'say "hi"\n');
  assertEquals(last["bytes"], "(2 bytes)");
  for (const name of ["emoji", "euro", "long"]) {
    const shown = last[name] ?? "";
    assert(shown.endsWith("…") && shown.length > 40 && shown.length <= 81, `${name}: ${shown}`);
    assert(shown.isWellFormed() && String(payloads[name]).startsWith(shown.slice(0, -1)), name);
  }
});

testEachBroker(
  "two lists and a reading at the same time do not count each other's copies",
  async (stage) => {
    const { client, peer } = stage;
    await peer.publish("c/a", "x", { retain: true });
    const [first, second] = await Promise.all([
      client.do("list_topics", { topic: "c/#", timeout: 0.35 }) as Promise<ListResult>,
      client.do("list_topics", { topic: "c/#", timeout: 0.35 }) as Promise<ListResult>,
      client.do("get_retained", { topic: "c/+", timeout: 0.35 }),
    ]);
    const seen = [first, second].map(({ topics }) =>
      topics.map(({ topic, messages }) => [topic, messages])
    );
    assertEquals(seen, [[["c/a", 1]], [["c/a", 1]]]);
  },
);

Deno.test("long topic names keep a page within its bound, and the cursor moves on", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_MAX_RESULT_CHARS: 6_000 });
  const beginning = "l/" + "x".repeat(600);
  const names = [
    `${beginning}`,
    `${beginning}a`,
    `${beginning}${"b".repeat(60_000)}`,
    "l/y",
    "l/z",
  ];
  for (const name of names) await broker.publish(name, "x", { retain: true });
  const pages = await listAll(client, { topic: "l/#", timeout: 0.15, limit: 1 });
  assertEquals(pages.length, 5);
  assertEquals(namesOf(pages).slice(3), ["l/y", "l/z"]);
  assert(pages.every(({ topics }) => (topics[0]?.topic.length ?? 0) <= 600));
  const whole = await client.do("list_topics", { topic: "l/#", timeout: 0.15 }) as ListResult;
  assertEquals(whole.topics.length, 5);
});

Deno.test("the cursor comes to its end over names that are made to confuse it", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_MAX_RESULT_CHARS: 10_000 });
  const long = "l/" + "x".repeat(297);
  const odd = [`${long}😀1`, `${long}😀2`, `${long}a`, `${long}\uffff`, long, `${long}/`];
  for (const name of odd) await broker.publish(name, "x", { retain: true });
  const pages = await listAll(client, { topic: "l/#", timeout: 0.15, limit: 1 });
  assertEquals(namesOf(pages).toSorted(), odd.toSorted());
  for (let i = 0; i < 30; i++) {
    await broker.publish(`e/${"\u001b".repeat(400)}${i}`, "x", { retain: true });
  }
  const escaped = await listAll(client, { topic: "e/#", timeout: 0.15 });
  assertEquals(namesOf(escaped).length, 30);
});

Deno.test("many topics fill pages to the bound of the result, not past it", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_MAX_RESULT_CHARS: 5_000 });
  const names = Array.from({ length: 120 }, (_, i) => `m/${String(i).padStart(3, "0")}`);
  for (const name of names) await broker.publish(name, "x".repeat(200), { retain: true });
  const pages = await listAll(client, { topic: "m/#", timeout: 0.15 });
  assertEquals(namesOf(pages), names);
  assert(pages.length > 2 && pages.length < 30, `${pages.length} pages`);
});

Deno.test("a cursor that is none is refused", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  for (const cursor of ["%%%", "e30=", "\u202e", ""]) {
    const args = { topic: "a/#", timeout: 0, cursor };
    const { success, code, error } = await client.call("list_topics", args);
    assertEquals([success, code], [false, "INVALID_ARGUMENT"], cursor);
    assertStringIncludes(error ?? "", "cursor");
  }
});

Deno.test("a topic whose stored value comes again is counted by its messages", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  const listing = client.do("list_topics", { topic: "n/#", timeout: 0.25 }) as Promise<ListResult>;
  await broker.saw("subscribe");
  await client.do("publish", { topic: "n/a", message: "1", qos: 2 });
  await client.do("publish", { topic: "n/a", message: "" });
  const { topics } = await listing;
  assertEquals(topics, [{ topic: "n/a", messages: 2, last: "", retained: false, live: true }]);
});

Deno.test("a cancelled list ends at once and leaves no subscription", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  const cancel = new AbortController();
  const call = client.call("list_topics", { timeout: 300 }, { signal: cancel.signal });
  await broker.saw("subscribe");
  cancel.abort();
  assertEquals((await within(5_000, "the cancelled call", call)).code, "CANCELLED");
  assertEquals((await broker.saw("unsubscribe")).unsubscriptions, ["#"]);
});

Deno.test("a broker that refuses the filter, or all wildcards, is told", async () => {
  const refusing = startScriptedBroker(obliging({ subscribeCode: () => 0x87 }));
  const plain = startScriptedBroker(
    obliging({ connackProperties: { wildcardSubscriptionAvailable: false } }),
  );
  await using brokers = new AsyncDisposableStack();
  brokers.use(refusing);
  brokers.use(plain);
  await using first = await startClient(refusing);
  const refused = await first.call("list_topics", { timeout: 0 });
  assertEquals([refused.success, refused.code], [false, "REFUSED_BY_BROKER"]);
  assertMatch(refused.error ?? "", /^Cannot list the topics under '#'/);
  await using second = await startClient(plain);
  const impossible = await second.call("list_topics", { timeout: 0 });
  assertEquals([impossible.success, impossible.code], [false, "BROKER_LIMIT"]);
  assertFalse(plain.connections.all[0]?.packets.all.some(({ cmd }) => cmd === "subscribe"));
});
