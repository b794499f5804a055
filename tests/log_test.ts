import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { Logger, type LogLevel } from "../src/log.ts";
import { MemoryWriter } from "./support/byte_streams.ts";
import { FakeClock, settle } from "./support/fake_clock.ts";

const permissions = "none";
const TIME = Date.UTC(2026, 10, 22, 13);
const LEVELS: readonly LogLevel[] = ["DEBUG", "INFO", "WARNING", "ERROR"];

function start(
  options: { level?: LogLevel; secrets?: string[]; maxQueuedBytes?: number; atATime?: number } = {},
): { sink: MemoryWriter; clock: FakeClock; log: Logger } {
  const { level = "DEBUG", atATime, ...rest } = options;
  const sink = new MemoryWriter(atATime);
  const clock = new FakeClock(TIME);
  return { sink, clock, log: new Logger({ sink, level, clock, ...rest }) };
}

function logAll(log: Logger): void {
  log.debug("one");
  log.info("two");
  log.warning("three");
  log.error("four");
}

Deno.test({
  name: "a log line has its time, level and message",
  permissions,
  async fn() {
    const { sink, log, clock } = start();
    log.info("message");
    clock.advance(1_234);
    log.error("another");
    await log.flush(1_000);
    assertEquals(
      sink.text,
      "2026-11-22T13:00:00.000Z INFO message\n2026-11-22T13:00:01.234Z ERROR another\n",
    );
  },
});

Deno.test({
  name: "lines below the level are not written",
  permissions,
  async fn() {
    for (const [index, level] of LEVELS.entries()) {
      const { sink, log } = start({ level });
      logAll(log);
      await log.flush(1_000);
      assertEquals(sink.lines.map((line) => line.split(" ")[1]), LEVELS.slice(index));
      assertEquals(LEVELS.filter((l) => log.enabled(l)), LEVELS.slice(index));
    }
  },
});

Deno.test({
  name: "a message cannot forge a line or drive a terminal",
  permissions,
  async fn() {
    const { sink, log } = start();
    log.info("a\nb\r\u001b[2J\u202E\tc");
    await log.flush(1_000);
    assertEquals(sink.lines.length, 1);
    assert(sink.text.endsWith("INFO a\\u{0A}b\\u{0D}\\u{1B}[2J\\u{202E}\\u{09}c\n"));
  },
});

Deno.test({
  name: "secrets are hidden, those that escaping would tear apart too",
  permissions,
  async fn() {
    const { sink, log } = start({ secrets: ["hunter2", "two\nlines"] });
    log.info("it said", "password hunter2 and two\nlines");
    await log.flush(1_000);
    assert(sink.text.endsWith("INFO it said: password [hidden] and [hidden]\n"));
    assertEquals(log.redact("hunter2"), "[hidden]");
  },
});

Deno.test({
  name: "a secret that is an ordinary word leaves no gap in a sentence of the server's own",
  permissions,
  async fn() {
    const { sink, log } = start({ secrets: ["connect", "the broker"] });
    log.warning("cannot connect: the broker refused it", "connect");
    await log.flush(1_000);
    assert(sink.text.endsWith("WARNING cannot connect: the broker refused it: [hidden]\n"));
  },
});

Deno.test({
  name: "a line is at most 4 KiB of whole characters, and cutting tears no secret",
  permissions,
  async fn() {
    for (let length = 4_020; length < 4_110; length++) {
      const { sink, log } = start({ secrets: ["hunter2"] });
      log.info("it said", "☃".repeat(3) + "x".repeat(length) + "hunter2");
      await log.flush(1_000);
      const bytes = new TextEncoder().encode(sink.text).length;
      assert(bytes <= 4_096, `${bytes} bytes for ${length}`);
      assertFalse(/hunter|�/.test(sink.text), `${length}`);
      if (length > 4_060) assertMatch(sink.text, / …\n$/);
    }
    const { sink, log } = start();
    log.info("☃".repeat(5_000_000));
    await log.flush(1_000);
    assert(new TextEncoder().encode(sink.text).length <= 4_096);
  },
});

Deno.test({
  name: "a sink that takes little at a time gets whole lines in order",
  permissions,
  async fn() {
    const { sink, log } = start({ atATime: 3 });
    for (let i = 0; i < 50; i++) log.info(`line ${i}`);
    await log.flush(1_000);
    assertEquals(
      sink.lines.map((l) => l.split(" ")[3]),
      Array.from({ length: 50 }, (_, i) => `${i}`),
    );
  },
});

Deno.test({
  name: "a sink that nobody reads drops lines, counts them, and says so once it is read",
  permissions,
  async fn() {
    const { sink, log } = start({ maxQueuedBytes: 500 });
    sink.stick();
    for (let i = 0; i < 1_000; i++) log.info(`line ${i}`);
    const { dropped } = log;
    assert(dropped > 900 && dropped < 1_000, `${dropped}`);
    assertEquals(sink.text, "");
    sink.release();
    await log.flush(1_000);
    log.info("after");
    await log.flush(1_000);
    const kept = 1_000 - dropped;
    assertEquals(sink.lines.length, kept + 2);
    assert(sink.lines[kept - 1]?.endsWith(`line ${kept - 1}`));
    assert(
      sink.lines[kept]?.endsWith(
        `WARNING ${dropped} log lines were dropped because nothing read them in time`,
      ),
    );
    assert(sink.lines[kept + 1]?.endsWith("after"));
    assertEquals(log.dropped, dropped);
  },
});

Deno.test({
  name: "every line is written, or dropped and told of, whatever the pace of the sink",
  permissions,
  async fn() {
    const { sink, log } = start({ maxQueuedBytes: 400, atATime: 16 });
    for (let round = 0; round < 40; round++) {
      if (round % 3 === 0) sink.stick();
      for (let i = 0; i < 8; i++) log.info(`${"x".repeat(i * 5)}`);
      if (round % 3 === 2) sink.release();
      await settle();
    }
    sink.release();
    await log.flush(1_000);
    const told = sink.lines.map((line) => / (\d+) log lines? w/.exec(line)?.[1])
      .filter((count) => count !== undefined).map(Number);
    const written = sink.lines.length - told.length;
    assert(log.dropped > 0 && told.length > 1);
    assertEquals(told.reduce((sum, count) => sum + count, 0), log.dropped);
    assertEquals(written + log.dropped, 320);
  },
});

Deno.test({
  name: "a line larger than the whole queue is dropped, and told of with the next",
  permissions,
  async fn() {
    const { sink, log } = start({ maxQueuedBytes: 200 });
    log.info("x".repeat(300));
    assertEquals(log.dropped, 1);
    log.info("after");
    await log.flush(1_000);
    assertMatch(sink.lines[0] ?? "", /WARNING 1 log line was dropped/);
    assertMatch(sink.lines[1] ?? "", /INFO after$/);
  },
});

Deno.test({
  name: "flushing a stuck log gives up after its time",
  permissions,
  async fn() {
    const { sink, log, clock } = start();
    sink.stick();
    log.info("stuck");
    const flushed = log.flush(50);
    assertEquals(clock.nextDelay, 50);
    clock.advance(50);
    await flushed;
    assertEquals(sink.text, "");
    sink.release();
    await log.flush(50);
    assertEquals(sink.lines.length, 1);
  },
});

Deno.test({
  name: "flushing leaves no timer behind",
  permissions,
  async fn() {
    const { log, clock } = start();
    await log.flush(1_000);
    log.info("x");
    await Promise.all([log.flush(1_000), log.flush(2_000)]);
    assertEquals(clock.pending, 0);
  },
});

Deno.test({
  name: "a closed sink ends the log in silence",
  permissions,
  async fn() {
    let writes = 0;
    const sink = {
      write(): Promise<number> {
        writes++;
        return Promise.reject(new Error("Broken pipe"));
      },
    };
    const log = new Logger({ sink, level: "DEBUG", clock: new FakeClock(TIME) });
    for (let i = 0; i < 10; i++) log.info("x");
    await log.flush(1_000);
    log.error("more");
    await log.flush(1_000);
    assertEquals(writes, 1);
    assertFalse(log.enabled("ERROR"));
    assertEquals(log.dropped, 0);
  },
});

Deno.test({
  name: "a sink that throws at once ends the log in silence too",
  permissions,
  async fn() {
    const sink = {
      write(): Promise<number> {
        throw new Error("Bad resource ID");
      },
    };
    const log = new Logger({ sink, level: "DEBUG", clock: new FakeClock(TIME) });
    logAll(log);
    await log.flush(1_000);
    assertFalse(log.enabled("ERROR"));
  },
});

Deno.test({
  name: "a flush is over when the sink fails",
  permissions,
  async fn() {
    let failWrite: (error: Error) => void = () => {};
    const sink = { write: () => new Promise<number>((_, reject) => failWrite = reject) };
    const clock = new FakeClock(TIME);
    const log = new Logger({ sink, level: "DEBUG", clock });
    log.info("x");
    const flushed = log.flush(1_000);
    failWrite(new Error("Broken pipe"));
    await flushed;
    assertEquals(clock.pending, 0);
  },
});
