import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Line, LineReader, writeAll } from "../src/lines.ts";
import { ChunkReader, ManualReader, MemoryWriter, utf8 } from "./support/byte_streams.ts";
import { Random } from "./support/random.ts";

const permissions = "none";

/** A line as a short text: its bytes, `?` before a partial one, `!` for one too long. */
function shown(line: Line): string {
  if (line.kind === "too_long") return "!";
  return (line.kind === "partial" ? "?" : "") + new TextDecoder().decode(line.bytes);
}

async function readAll(reader: LineReader): Promise<string[]> {
  const lines: string[] = [];
  for (let line = await reader.next(); line !== null; line = await reader.next()) {
    lines.push(shown(line));
  }
  assertEquals(await reader.next(), null);
  return lines;
}

/** What a reader must give, worked out on the whole text at once. */
function expected(text: string, maxBytes: number): string[] {
  const lines = text.split("\n");
  const rest = lines.pop() ?? "";
  const kept = lines.map((line) => utf8(line).length > maxBytes ? "!" : line);
  if (rest === "") return kept;
  return [...kept, utf8(rest).length > maxBytes ? "!" : `?${rest}`];
}

Deno.test({
  name: "lines come without their newlines, what no newline ends is partial, nothing is no line",
  permissions,
  async fn() {
    const reader = new LineReader(new ChunkReader([utf8("one\n\ntwo\r\nrest")]), { maxBytes: 100 });
    assertEquals(await readAll(reader), ["one", "", "two\r", "?rest"]);
    assertEquals(await readAll(new LineReader(new ChunkReader([]), { maxBytes: 9 })), []);
  },
});

Deno.test({
  name: "every way to cut a stream in three gives the same lines",
  permissions,
  async fn() {
    const text = "ab\n\nc☃\ntoolong\n12345\ntail";
    const bytes = utf8(text);
    for (let a = 0; a <= bytes.length; a++) {
      for (let b = a; b <= bytes.length; b++) {
        const chunks = [bytes.slice(0, a), bytes.slice(a, b), bytes.slice(b)];
        const reader = new LineReader(new ChunkReader(chunks), { maxBytes: 5 });
        assertEquals(await readAll(reader), expected(text, 5), `cut at ${a} and ${b}`);
      }
    }
  },
});

Deno.test({
  name: "byte by byte gives the same lines",
  permissions,
  async fn() {
    const text = "ab\n\nc☃\ntoolong\n12345\nlong tail";
    const chunks = Array.from(utf8(text), (byte) => Uint8Array.of(byte));
    const reader = new LineReader(new ChunkReader(chunks), { maxBytes: 5 });
    assertEquals(await readAll(reader), expected(text, 5));
  },
});

Deno.test({
  name: "random streams in random chunks, some of them handed over, give the same lines",
  permissions,
  async fn() {
    const random = new Random(9);
    for (let round = 0; round < 1_000; round++) {
      const text = random.text(random.int(0, 80), "abc☃\n\n");
      const bytes = utf8(text);
      const handed = random.int(0, bytes.length);
      const maxBytes = random.int(0, 12);
      const reader = new LineReader(
        new ChunkReader(random.chunks(bytes.slice(handed), random.int(1, 40))),
        { maxBytes, initial: bytes.slice(0, handed) },
      );
      assertEquals(await readAll(reader), expected(text, maxBytes), `seed 9, round ${round}`);
    }
  },
});

Deno.test({
  name: "random streams of long lines outgrow the buffer without losing a byte",
  permissions,
  async fn() {
    const random = new Random(10);
    for (let round = 0; round < 10; round++) {
      const lengths = Array.from(
        { length: 12 },
        () => random.int(0, random.chance(0.5) ? 9 : 300_000),
      );
      const text = lengths.map((length, i) => String.fromCharCode(97 + i).repeat(length)).join(
        "\n",
      );
      const reader = new LineReader(
        new ChunkReader(random.chunks(utf8(text), 100_000)),
        { maxBytes: 250_000 },
      );
      const same =
        JSON.stringify(await readAll(reader)) === JSON.stringify(expected(text, 250_000));
      assert(same, `seed 10, round ${round}: ${lengths}`);
    }
  },
});

Deno.test({
  name: "a line of exactly the bound is a line, and one byte more is too long",
  permissions,
  async fn() {
    const reader = new LineReader(new ChunkReader([utf8("12345\n123456\n1")]), { maxBytes: 5 });
    assertEquals(await readAll(reader), ["12345", "!", "?1"]);
  },
});

Deno.test({
  name: "a line without an end is answered as soon as it passes the bound",
  permissions,
  async fn() {
    const source = new ManualReader();
    const reader = new LineReader(source, { maxBytes: 5 });
    source.give(utf8("123456"));
    assertEquals(await reader.next(), { kind: "too_long" });
    const next = reader.next();
    source.give(utf8("more and more"));
    source.give(utf8("end\nafter\n"));
    assertEquals(shown(await next ?? fail()), "after");
  },
});

Deno.test({
  name: "no more is read while a whole line is buffered",
  permissions,
  async fn() {
    const source = new ChunkReader([utf8("one\ntwo\nthree")]);
    const reader = new LineReader(source, { maxBytes: 100 });
    await reader.next();
    await reader.next();
    assertEquals(source.reads, 1);
    const handed = new LineReader(new ManualReader(), { maxBytes: 9, initial: utf8("x\n") });
    assertEquals(shown(await handed.next() ?? fail()), "x");
  },
});

Deno.test({
  name: "the rest is what was read past the last line, and the reader forgets it",
  permissions,
  async fn() {
    const source = new ChunkReader([utf8("one\ntwo\nthr"), utf8("ee\n")]);
    const reader = new LineReader(source, { maxBytes: 100 });
    await reader.next();
    const rest = reader.takeRest();
    assertEquals(new TextDecoder().decode(rest), "two\nthr");
    assertEquals(reader.takeRest().length, 0);
    const second = new LineReader(source, { maxBytes: 100, initial: rest });
    rest.fill(0);
    assertEquals(await readAll(second), ["two", "three"]);
  },
});

Deno.test({
  name: "a stream handed over at any line loses and doubles nothing",
  permissions,
  async fn() {
    const random = new Random(11);
    for (let round = 0; round < 500; round++) {
      const text = random.text(random.int(1, 60), "abc\n\n");
      const source = new ChunkReader(random.chunks(utf8(text), random.int(1, 30)));
      const first = new LineReader(source, { maxBytes: 100 });
      const lines: string[] = [];
      for (let i = random.int(0, 4); i > 0; i--) {
        const line = await first.next();
        if (line !== null) lines.push(shown(line));
      }
      const second = new LineReader(source, { maxBytes: 100, initial: first.takeRest() });
      assertEquals([...lines, ...await readAll(second)], expected(text, 100), `seed 11, ${round}`);
    }
  },
});

Deno.test({
  name: "the bytes of a line are the receiver's own",
  permissions,
  async fn() {
    const reader = new LineReader(new ChunkReader([utf8("one\ntwo\n")]), { maxBytes: 100 });
    const line = await reader.next();
    assert(line?.kind === "line");
    line.bytes.fill(0);
    assertEquals(shown(await reader.next() ?? fail()), "two");
  },
});

Deno.test({
  name: "wiping overwrites what was handed out, in old buffers too, and keeps what was not",
  permissions,
  async fn() {
    // Keeps each buffer that the reader ever read into, to look at it afterwards.
    const buffers = new Set<ArrayBufferLike>();
    const chunks = Array.from({ length: 200 }, () => utf8("secret".repeat(200)));
    const source = new ChunkReader([...chunks, utf8("\nkept\n")]);
    const spy = {
      read(p: Uint8Array): Promise<number | null> {
        buffers.add(p.buffer);
        return source.read(p);
      },
    };
    const reader = new LineReader(spy, { maxBytes: 1_000_000 });
    const line = await reader.next();
    assert(line?.kind === "line" && line.bytes.length > 100_000);
    line.bytes.fill(0);
    reader.wipe();
    assert(buffers.size > 1);
    for (const buffer of buffers) {
      assert(!new TextDecoder().decode(new Uint8Array(buffer)).includes("secret"));
    }
    assertEquals(shown(await reader.next() ?? fail()), "kept");
  },
});

Deno.test({
  name: "two reads at once are an error, and so is taking the rest during a read",
  permissions,
  async fn() {
    const source = new ManualReader();
    const reader = new LineReader(source, { maxBytes: 100 });
    const first = reader.next();
    await assertRejects(() => reader.next(), Error, "another read is under way");
    assertThrows(() => reader.takeRest(), Error, "a read is under way");
    reader.wipe();
    source.give(utf8("one\n"));
    assertEquals(shown(await first ?? fail()), "one");
  },
});

Deno.test({
  name: "a failed read is passed on, and the reader can go on",
  permissions,
  async fn() {
    const source = new ManualReader();
    const reader = new LineReader(source, { maxBytes: 100 });
    source.give(utf8("on"));
    source.give(new Error("broken pipe"));
    await assertRejects(() => reader.next(), Error, "broken pipe");
    source.give(utf8("e\n"));
    assertEquals(shown(await reader.next() ?? fail()), "one");
  },
});

Deno.test({
  name: "a long line in small reads takes linear time",
  permissions,
  async fn() {
    const chunk = new Uint8Array(64).fill(0x61);
    let left = 500_000;
    const source = {
      read(p: Uint8Array): Promise<number | null> {
        if (left-- === 0) {
          p[0] = 0x0A;
          return Promise.resolve(1);
        }
        p.set(chunk.subarray(0, p.length));
        return Promise.resolve(Math.min(p.length, chunk.length));
      },
    };
    // Scanning anew after each read would look at 8,000,000,000,000 bytes.
    const line = await new LineReader(source, { maxBytes: 64_000_000 }).next();
    assert(line?.kind === "line" && line.bytes.length > 30_000_000);
  },
});

Deno.test({
  name: "everything is written however little the writer takes",
  permissions,
  async fn() {
    const writer = new MemoryWriter(3);
    await writeAll(writer, utf8("a line of some length\n"));
    assertEquals(writer.text, "a line of some length\n");
    await writeAll(writer, new Uint8Array());
  },
});

Deno.test({
  name: "a writer that takes nothing is an error, not an endless loop",
  permissions,
  async fn() {
    await assertRejects(() => writeAll(new MemoryWriter(0), utf8("x")), Error, "takes no bytes");
  },
});

function fail(): never {
  throw new Error("Cannot go on: the stream has ended");
}
