import { assert, assertEquals, assertMatch } from "@std/assert";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { type ByteReader, type ByteWriter, LineReader } from "../src/lines.ts";
import { MAX_MESSAGE_BYTES, StreamTransport } from "../src/transport.ts";
import { ChunkReader, ManualReader, MemoryWriter, utf8 } from "./support/byte_streams.ts";
import { settle } from "./support/fake_clock.ts";
import { within } from "./support/inbox.ts";

interface Answer {
  readonly id: unknown;
  readonly error?: { code: number; message: string };
}

/** A transport whose client is the test. */
class Rig {
  readonly input = new ManualReader();
  readonly output = new MemoryWriter();
  readonly received: JSONRPCMessage[] = [];
  readonly transport: StreamTransport;
  closed = 0;

  constructor(output?: ByteWriter, input?: ByteReader) {
    const lines = new LineReader(input ?? this.input, { maxBytes: MAX_MESSAGE_BYTES });
    this.transport = new StreamTransport(lines, output ?? this.output);
    this.transport.onmessage = (message) => this.received.push(message);
    this.transport.onclose = () => this.closed++;
  }

  async line(value: unknown): Promise<void> {
    this.input.give(utf8(`${typeof value === "string" ? value : JSON.stringify(value)}\n`));
    await settle();
  }

  request(id: unknown, method = "ping"): Promise<void> {
    return this.line({ jsonrpc: "2.0", id, method });
  }

  get answers(): Answer[] {
    return this.output.lines.map((line) => JSON.parse(line));
  }
}

async function start(output?: ByteWriter): Promise<Rig> {
  const rig = new Rig(output);
  await rig.transport.start();
  return rig;
}

function result(id: number | string): JSONRPCMessage {
  return { jsonrpc: "2.0", id, result: {} };
}

Deno.test("messages pass both ways, one a line", async () => {
  const rig = await start();
  await rig.request(1);
  await rig.line({ jsonrpc: "2.0", method: "notifications/initialized" });
  await rig.line("");
  await rig.line(" \t\r");
  assertEquals(rig.received.length, 2);
  await rig.transport.send(result(1));
  assertEquals(rig.answers, [result(1) as never]);
  rig.input.give(null);
  await settle();
  assertEquals(rig.closed, 1);
});

Deno.test("the end of the input closes, once, and nothing is written afterwards", async () => {
  const rig = await start();
  await rig.request(1);
  rig.input.give(utf8('{"jsonrpc":"2.0","id":2,"method":"half'));
  rig.input.give(null);
  await settle();
  assertEquals([rig.closed, rig.received.length], [1, 1]);
  await rig.transport.send(result(1));
  await rig.transport.close();
  assertEquals([rig.output.text, rig.closed], ["", 1]);
});

Deno.test("a broken input closes as well", async () => {
  const rig = await start();
  rig.input.give(new Error("broken"));
  await settle();
  assertEquals(rig.closed, 1);
});

Deno.test("an output that nobody reads from any more closes", async () => {
  const rig = await start({ write: () => Promise.reject(new Error("broken pipe")) });
  await rig.transport.send(result(1));
  await settle();
  assertEquals(rig.closed, 1);
});

Deno.test("a line that is not fit is answered, and the next one heard", async () => {
  const rig = await start();
  for (const line of ["nonsense", "[]", '{"jsonrpc":"2.0","id":4}']) await rig.line(line);
  await rig.request(5);
  assertEquals(rig.answers.map(({ id, error }) => [id, error?.code]), [
    [null, -32700],
    [null, -32600],
    [4, -32600],
  ]);
  assertEquals(rig.received.length, 1);
});

Deno.test("a line of the greatest length is heard, a longer one answered and passed over", async () => {
  const frame = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "" }).length;
  const lines = [MAX_MESSAGE_BYTES - frame, MAX_MESSAGE_BYTES - frame + 1, 4].map((length, id) =>
    `${JSON.stringify({ jsonrpc: "2.0", id, method: "x".repeat(length) })}\n`
  );
  const rig = new Rig(undefined, new ChunkReader(lines.map(utf8)));
  const closed = new Promise<void>((resolve) => rig.transport.onclose = resolve);
  await rig.transport.start();
  await within(10_000, "the end of the input", closed);
  assertEquals(rig.received.map((message) => "id" in message && message.id), [0, 2]);
  assertEquals(rig.answers.map(({ id, error }) => [id, error?.code]), [[null, -32600]]);
  assertMatch(rig.answers[0]?.error?.message ?? "", /16777216 bytes/);
});

Deno.test("an id that is under way is not taken twice, and free again after its answer", async () => {
  const rig = await start();
  for (const id of [1, "1", 0, ""]) {
    await rig.request(id);
    await rig.request(id);
  }
  assertEquals(rig.received.length, 4);
  assertEquals(rig.answers.map(({ id, error }) => [id, error?.code]), [
    [null, -32600],
    [null, -32600],
    [null, -32600],
    [null, -32600],
  ]);
  await rig.transport.send(result(1));
  await rig.request(1);
  await rig.request("1");
  assertEquals(rig.received.length, 5);
});

Deno.test("a cancelled request's id is free again, since nobody will answer it", async () => {
  const rig = await start();
  await rig.request(7);
  await rig.line({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } });
  await rig.request(7);
  assertEquals(rig.received.length, 3);
  assertEquals(rig.answers, []);
});

Deno.test("past 1,000 requests under way the next is told to wait, by its id", async () => {
  const rig = await start();
  const lines = Array.from(
    { length: 1_005 },
    (_, id) => `{"jsonrpc":"2.0","id":${id},"method":"ping"}\n`,
  );
  rig.input.give(utf8(lines.join("").slice(0, 40_000)));
  rig.input.give(utf8(lines.join("").slice(40_000)));
  await settle();
  await settle();
  assertEquals(rig.received.length, 1_000);
  assertEquals(rig.answers.map(({ id, error }) => [id, error?.code]), [
    [1_000, -32000],
    [1_001, -32000],
    [1_002, -32000],
    [1_003, -32000],
    [1_004, -32000],
  ]);
  await rig.transport.send(result(5));
  await rig.request(2_000);
  assertEquals(rig.received.length, 1_001);
});

Deno.test("while the client does not read its answers, nothing more is read from it", async () => {
  const stuck = Promise.withResolvers<number>();
  let calls = 0;
  const rig = await start({
    write: (bytes) => calls++ === 0 ? stuck.promise : Promise.resolve(bytes.length),
  });
  const text = "x".repeat(1_000_000);
  let answered = 0;
  rig.transport.onmessage = (message) => {
    rig.received.push(message);
    answered++;
    const id = "id" in message ? message.id as number : 0;
    rig.transport.send({ jsonrpc: "2.0", id, result: { text } });
  };
  for (let id = 1; id <= 50; id++) {
    rig.input.give(utf8(`{"jsonrpc":"2.0","id":${id},"method":"x"}\n`));
  }
  await settle();
  await settle();
  assert(answered >= 4 && answered <= 6, `${answered} requests were taken`);
  stuck.resolve(10);
  for (let turn = 0; turn < 200 && answered < 50; turn++) await settle();
  assertEquals(answered, 50);
});

Deno.test("what others wrote cannot break a line in two", async () => {
  const rig = await start();
  const text = "a\nb\u2028c\u2029d\r\u0000\u202e";
  await rig.transport.send({ jsonrpc: "2.0", id: 1, result: { text } });
  assertEquals(rig.output.lines.length, 1);
  assert(!/[\u2028\u2029\u202e\0]/.test(rig.output.text));
  assertEquals(JSON.parse(rig.output.lines[0] ?? "").result.text, text);
});

Deno.test("messages that gather behind a write go out together, in their order", async () => {
  const first = Promise.withResolvers<void>();
  const writes: string[] = [];
  const rig = await start({
    async write(bytes): Promise<number> {
      writes.push(new TextDecoder().decode(bytes));
      if (writes.length === 1) await first.promise;
      return bytes.length;
    },
  });
  const sent = [1, 2, 3].map((id) => rig.transport.send(result(id)));
  await settle();
  assertEquals(writes.length, 1);
  first.resolve();
  await Promise.all(sent);
  const lines = [1, 2, 3].map((id) => `${JSON.stringify(result(id))}\n`);
  assertEquals(writes, [lines[0], `${lines[1]}${lines[2]}`]);
});

Deno.test("what gathers behind a write goes out in pieces of bounded size", async () => {
  const sizes: number[] = [];
  const rig = await start({
    write: (bytes) => Promise.resolve(sizes.push(bytes.length) && bytes.length),
  });
  const text = "x".repeat(50_000);
  const message = (id: number): JSONRPCMessage => ({ jsonrpc: "2.0", id, result: { text } });
  await Promise.all([1, 2, 3, 4, 5].map((id) => rig.transport.send(message(id))));
  const one = JSON.stringify(message(1)).length + 1;
  assertEquals(sizes, [one, 2 * one, 2 * one]);
});

Deno.test("a line that comes once the client's end is closed is not acted upon", async () => {
  const rig = await start({ write: () => Promise.reject(new Error("closed")) });
  await rig.transport.send(result(1));
  assertEquals(rig.closed, 1);
  await rig.request(2);
  assertEquals(rig.received, []);
});
