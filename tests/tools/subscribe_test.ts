import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodePayload } from "../../src/payload.ts";
import { startAedes } from "../support/aedes.ts";
import { Random } from "../support/random.ts";
import { testEachBroker } from "./brokers.ts";
import { type Client, payloadsOf, type Result, startClient } from "./client.ts";

/** Everything that waits under a filter, page by page. */
async function drain(client: Client, topic: string, timeout = 0): Promise<Result[]> {
  const pages = [await client.do("subscribe", { topic, timeout })];
  while ((pages.at(-1)?.remaining ?? 0) > 0) {
    pages.push(await client.do("subscribe", { topic, timeout }));
  }
  return pages;
}

const REFUSED: [Record<string, unknown>, string, RegExp][] = [
  [{ topic: "" }, "INVALID_TOPIC", /must not be empty/],
  [{ topic: "a/#/b" }, "INVALID_TOPIC", /'#' must be the last level/],
  [{ topic: "a#" }, "INVALID_TOPIC", /'#'/],
  [{ topic: "a+/b" }, "INVALID_TOPIC", /'\+' must stand alone/],
  [{ topic: "a\0" }, "INVALID_TOPIC", /NUL/],
  [{ topic: "\udc00" }, "INVALID_TOPIC", /surrogate/],
  [{ topic: "x".repeat(65_536) }, "INVALID_TOPIC", /65,535/],
  [{ topic: "$share/g" }, "INVALID_TOPIC", /\$share needs/],
  [{ topic: "$share//a" }, "INVALID_TOPIC", /\$share needs/],
  [{ topic: "$share/g+/a" }, "INVALID_TOPIC", /share group/],
  [{ topic: "$share/g/a/#/b" }, "INVALID_TOPIC", /'#'/],
  [{ topic: "a", timeout: -1 }, "INVALID_ARGUMENT", /timeout must be a number from 0 to 300/],
  [{ topic: "a", timeout: 300.1 }, "INVALID_ARGUMENT", /from 0 to 300/],
  [{ topic: "a", timeout: "soon" }, "INVALID_ARGUMENT", /from 0 to 300/],
  [{ topic: "a", timeout: Infinity }, "INVALID_ARGUMENT", /from 0 to 300/],
  [{ topic: "a", qos: 3 }, "INVALID_ARGUMENT", /qos must be one of 0, 1, 2/],
  [{ topic: "a", max_messages: 0 }, "INVALID_ARGUMENT", /max_messages must be an integer from 1/],
  [{ topic: "a", max_messages: 2.5 }, "INVALID_ARGUMENT", /max_messages/],
];

testEachBroker("what arrives between calls waits for the next call", async ({ client, peer }) => {
  assertEquals((await client.do("subscribe", { topic: "in/#", timeout: 0 })).message_count, 0);
  for (const text of ["1", "2", "3"]) await peer.publish("in/x", text);
  const result = await client.do("subscribe", { topic: "in/#", timeout: 5, max_messages: 3 });
  assertEquals(payloadsOf(result), ["1", "2", "3"]);
  assertEquals([result.remaining, result.dropped, result.gaps], [0, 0, []]);
  assertEquals([result.ended_by, result.qos], ["max_messages", 1]);
  assertEquals(result.messages.map(({ retain, qos }) => [retain, qos]), [
    [false, 1],
    [false, 1],
    [false, 1],
  ]);
});

testEachBroker(
  "what max_messages leaves behind comes with the next call",
  async ({ client, peer }) => {
    await client.do("subscribe", { topic: "in/#", timeout: 0 });
    for (let i = 0; i < 10; i++) await peer.publish("in/x", String(i));
    const first = await client.do("subscribe", { topic: "in/#", timeout: 5, max_messages: 4 });
    assertEquals(payloadsOf(first), ["0", "1", "2", "3"]);
    const rest = [];
    while (rest.length < 6) {
      rest.push(...payloadsOf(await client.do("subscribe", { topic: "in/#", timeout: 0 })));
    }
    assertEquals(rest, ["4", "5", "6", "7", "8", "9"]);
  },
);

testEachBroker(
  "a retained value is marked, and left out as a copy of its live message",
  async ({ client, peer }) => {
    await peer.publish("kept/a", "stored", { retain: true });
    const first = await client.do("subscribe", { topic: "kept/#", timeout: 5, max_messages: 1 });
    assertEquals(first.messages.map(({ payload, retain }) => [payload, retain]), [[
      "stored",
      true,
    ]]);
    await peer.publish("kept/a", "live", { retain: true });
    await peer.publish("kept/end", "end");
    const second = await client.do("subscribe", { topic: "kept/#", timeout: 5, match: "end" });
    assertEquals(payloadsOf(second), ["live", "end"]);
    assertEquals(second.messages[0]?.retain, false);
    const third = await client.do("subscribe", { topic: "kept/#", timeout: 5, max_messages: 1 });
    assertEquals(third.messages.map(({ payload, retain }) => [payload, retain]), [["live", true]]);
  },
);

testEachBroker("without retained values only live messages come", async ({ client, peer }) => {
  await peer.publish("kept/a", "stored", { retain: true });
  const args = { topic: "kept/#", include_retained: false };
  assertEquals((await client.do("subscribe", { ...args, timeout: 0.3 })).message_count, 0);
  await peer.publish("kept/a", "live");
  const result = await client.do("subscribe", { ...args, timeout: 5, max_messages: 1 });
  assertEquals(payloadsOf(result), ["live"]);
});

testEachBroker(
  "every byte value, and nothing at all, comes back exactly",
  async ({ client, peer }) => {
    const random = new Random(5);
    const payloads = [
      Uint8Array.from({ length: 256 }, (_, i) => i),
      new Uint8Array(),
      Uint8Array.of(0xff),
      Uint8Array.of(0xc3),
      Uint8Array.of(0xed, 0xa0, 0x80),
      Uint8Array.of(0xef, 0xbb, 0xbf, 0x41),
      Uint8Array.of(0),
      new TextEncoder().encode('{"a":"ä\\n\u2028"}'),
      random.bytes(3_000),
    ];
    await client.do("subscribe", { topic: "bytes", timeout: 0 });
    for (const payload of payloads) await peer.publish("bytes", payload);
    const { messages } = await client.do("subscribe", {
      topic: "bytes",
      timeout: 5,
      max_messages: payloads.length,
    });
    const decoded = messages.map(({ payload, encoding }) =>
      decodePayload(payload, encoding ?? "utf8")
    );
    assertEquals(decoded, payloads);
  },
);

testEachBroker(
  "a message of 1 MiB is cut and marked, and the next one follows",
  async ({ client, peer }) => {
    await client.do("subscribe", { topic: "big", timeout: 0 });
    await peer.publish("big", "x".repeat(1_048_576));
    await peer.publish("big", "next");
    const [cut, ...more] =
      (await client.do("subscribe", { topic: "big", timeout: 5, match: "next" }))
        .messages;
    assertEquals([cut?.truncated, cut?.size, more.length], [true, 1_048_576, 0]);
    assertMatch(cut?.payload ?? "", /^x{10000,}$/);
    const rest = await client.do("subscribe", { topic: "big", timeout: 5, max_messages: 1 });
    assertEquals(payloadsOf(rest), ["next"]);
  },
);

testEachBroker("a cancelled call loses nothing", async ({ client, peer }) => {
  await client.do("subscribe", { topic: "c/#", timeout: 0 });
  const abort = new AbortController();
  const cancelled = client.call("subscribe", { topic: "c/#", timeout: 60 }, {
    signal: abort.signal,
  });
  await client.do("get_retained", { topic: "c/#" });
  await peer.publish("c/x", "1");
  await peer.publish("c/x", "2");
  abort.abort();
  assertEquals((await cancelled).code, "CANCELLED");
  const result = await client.do("subscribe", { topic: "c/#", timeout: 5, max_messages: 2 });
  assertEquals(payloadsOf(result), ["1", "2"]);
});

Deno.test("what breaks a rule is refused with that rule, and nothing is subscribed", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  for (const [args, code, error] of REFUSED) {
    const result = await client.call("subscribe", args);
    assertEquals([result.success, result.code], [false, code]);
    assertMatch(result.error ?? "", error);
    if ("qos" in args || "max_messages" in args) continue;
    const same = await client.call("get_retained", args);
    assertEquals([same.success, same.code], [false, code]);
    assertMatch(same.error ?? "", error);
  }
  await client.do("publish", { topic: "fence", message: "x" });
  assert(!broker.packets.all.some(({ packet }) => packet.cmd === "subscribe"));
});

Deno.test("what a full buffer drops is counted, and the newest are kept", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await client.do("subscribe", { topic: "f/#", timeout: 0, qos: 0 });
  for (let i = 0; i < 10_500; i++) await broker.publish("f/x", String(i));
  await client.do("subscribe", { topic: "fence", timeout: 0 });
  await client.do("publish", { topic: "fence", message: "x" });
  await client.do("subscribe", { topic: "fence", timeout: 10, max_messages: 1 });
  const pages = await drain(client, "f/#");
  assertEquals(pages.map(({ dropped }) => dropped), [500, ...pages.slice(1).map(() => 0)]);
  const payloads = pages.flatMap(payloadsOf).map(Number);
  assertEquals(payloads, Array.from({ length: 10_000 }, (_, i) => 500 + i));
});

Deno.test("progress is told each second, only when asked for and while the call waits", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  const told: number[] = [];
  const onProgress = (elapsed: number, total: number): void => {
    assertEquals(total, 1.5);
    told.push(elapsed);
  };
  await client.do("subscribe", { topic: "t", timeout: 1.5 }, { onProgress });
  assertEquals(told.length, 1);
  assert(told[0] !== undefined && told[0] >= 0.9 && told[0] < 1.5, String(told));
});
