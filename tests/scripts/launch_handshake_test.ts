import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { LaunchError } from "../../scripts/launch/errors.ts";
import { introduce } from "../../scripts/launch/handshake.ts";
import { pump } from "../../scripts/launch/streams.ts";
import { LineReader, writeAll } from "../../src/lines.ts";
import { ChunkReader, ManualReader, MemoryWriter, utf8 } from "../support/byte_streams.ts";
import { FakeClock } from "../support/fake_clock.ts";

const CREDENTIALS = '{"MQTT_PASS":"hunter2-canary"}\n';

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, permissions: "none", fn });
}

/** One handshake with a server that the test plays. */
function begin() {
  const from = new ManualReader();
  const to = new MemoryWriter();
  const clock = new FakeClock();
  const line = utf8(CREDENTIALS);
  const lines = new LineReader(from, { maxBytes: 1_000 });
  const done = introduce({ lines, write: (bytes) => writeAll(to, bytes) }, line, clock);
  done.catch(() => {});
  return { from, to, clock, line, lines, done };
}

async function assertFails(done: Promise<void>, line: Uint8Array, why: string): Promise<void> {
  const error = await assertRejects(() => done);
  assertInstanceOf(error, LaunchError);
  assertEquals(error.exitCode, 1);
  assertEquals(error.message, why);
  assert(line.every((byte) => byte === 0));
}

test("the launcher speaks after +READY, and overwrites what it said", async () => {
  const { from, to, clock, line, done } = begin();
  await clock.advanceAsync(9_000);
  assertEquals(to.text, "");
  from.give(utf8("+READY\n"));
  await clock.advanceAsync(4_000);
  assertEquals(to.text, CREDENTIALS);
  from.give(utf8("+OK\n"));
  await done;
  assert(line.every((byte) => byte === 0));
  assertEquals(clock.pending, 0);
});

test("what the server says in the same breath as +OK is not lost", async () => {
  const { from, lines, done } = begin();
  from.give(utf8("+READY\r\n"));
  from.give(utf8("+OK\nfirst\nsec"));
  await done;
  assertEquals(new TextDecoder().decode(lines.takeRest()), "first\nsec");
});

test("a server that is not ready within 10 s is given up", async () => {
  const { clock, line, done } = begin();
  await clock.advanceAsync(10_000);
  await assertFails(done, line, "Cannot start the server: it did not say +READY within 10 s");
});

test("a server that does not say +OK within 5 s is given up, even if it reads nothing", async () => {
  const { from, to, clock, line, done } = begin();
  to.stick();
  from.give(utf8("+READY\n"));
  await clock.advanceAsync(5_000);
  await assertFails(done, line, "Cannot start the server: it did not say +OK within 5 s");
});

test("the server's reason is passed on, made fit to be shown", async () => {
  const { from, line, done } = begin();
  from.give(utf8("+READY\n+ERR MISSING_CREDENTIAL \x1b[31mMQTT_BROKER\n"));
  const why = "MISSING_CREDENTIAL \\u{1B}[31mMQTT_BROKER";
  await assertFails(done, line, `The server refuses the credentials: ${why}`);
});

test("a program that is no SMCP server is not quoted", async () => {
  for (const said of ["hello\n", "+READY\n{\n", "+READY\n+OKAY\n", "x".repeat(2_000)]) {
    const { from, line, done } = begin();
    for (const byte of utf8(said)) from.give(new Uint8Array([byte]));
    const expected = said.startsWith("+READY") ? "+OK" : "+READY";
    const why = `it does not speak SMCP: it said something else than ${expected}`;
    await assertFails(done, line, `Cannot start the server: ${why}`);
  }
});

test("a server that ends in the handshake is told from one that is silent", async () => {
  const { from, line, done } = begin();
  from.give(utf8("+READY\n"));
  from.give(null);
  await assertFails(done, line, "Cannot start the server: it ended before it said +OK");
});

test("the pipe takes no more from one side before the other has taken the last", async () => {
  const from = new ChunkReader([utf8("a"), utf8("b"), utf8("c")]);
  const to = new MemoryWriter();
  const clock = new FakeClock();
  to.stick();
  const done = pump(from, to);
  await clock.advanceAsync(0);
  assertEquals(from.reads, 1);
  to.release();
  await done;
  assertEquals(to.text, "abc");
});
