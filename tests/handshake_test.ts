import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { HandshakeError } from "../src/errors.ts";
import {
  acceptCredentials,
  type HandshakeStreams,
  MAX_CREDENTIAL_LINE_BYTES,
  receiveCredentials,
  rejectCredentials,
} from "../src/handshake.ts";
import { LineReader, writeAll } from "../src/lines.ts";
import { sayReady } from "../src/ready.ts";
import { ChunkReader, ManualReader, MemoryWriter, utf8 } from "./support/byte_streams.ts";
import { FakeClock, settle } from "./support/fake_clock.ts";

const permissions = "none";

interface Rig {
  source: ManualReader;
  output: MemoryWriter;
  streams: HandshakeStreams;
  clock: FakeClock;
}

function start(): Rig {
  const source = new ManualReader();
  const output = new MemoryWriter();
  const lines = new LineReader(source, { maxBytes: MAX_CREDENTIAL_LINE_BYTES });
  const streams = { lines, write: (bytes: Uint8Array) => writeAll(output, bytes) };
  return { source, output, streams, clock: new FakeClock() };
}

/** What becomes of `input` followed by the end of the stream. */
function receive(...input: Uint8Array[]): Promise<Record<string, unknown>> {
  const lines = new LineReader(new ChunkReader(input), { maxBytes: MAX_CREDENTIAL_LINE_BYTES });
  return receiveCredentials({ lines, write: () => Promise.resolve() }, { clock: new FakeClock() });
}

async function assertReason(reason: string, ...input: Uint8Array[]): Promise<void> {
  const error = await assertRejects(() => receive(...input), HandshakeError);
  assertEquals(error.message, reason);
  assertEquals(error.code, reason);
}

Deno.test({
  name: "the server says it is ready, and nothing else, until it has the credentials",
  permissions,
  async fn() {
    const { source, output, streams, clock } = start();
    await sayReady(output);
    const received = receiveCredentials(streams, { clock });
    source.give(utf8('{"MQTT_BROKER":"mqtt.local","MQTT_PORT":1883}\n'));
    assertEquals(await received, { MQTT_BROKER: "mqtt.local", MQTT_PORT: 1883 });
    assertEquals(output.text, "+READY\n");
    assertEquals(clock.pending, 0);
  },
});

Deno.test({
  name: "credentials arrive in any number of reads",
  permissions,
  async fn() {
    const bytes = utf8('{"MQTT_USER":"grüße ☃"}\r\n');
    assertEquals(await receive(...Array.from(bytes, (byte) => Uint8Array.of(byte))), {
      MQTT_USER: "grüße ☃",
    });
  },
});

Deno.test({
  name: "what a fast parent sends behind the credentials is not lost",
  permissions,
  async fn() {
    const { source, streams, clock } = start();
    source.give(utf8('{}\n{"jsonrpc":"2.0"}\n{"half'));
    await receiveCredentials(streams, { clock });
    assertEquals(new TextDecoder().decode(streams.lines.takeRest()), '{"jsonrpc":"2.0"}\n{"half');
  },
});

Deno.test({
  name: "no line within five seconds of +READY is a timeout",
  permissions,
  async fn() {
    const { source, streams, clock } = start();
    const received = assertRejects(() => receiveCredentials(streams, { clock }), HandshakeError);
    await settle();
    source.give(utf8('{"half'));
    assertEquals(clock.nextDelay, 5_000);
    await clock.advanceAsync(4_999);
    assertEquals(clock.pending, 1);
    await clock.advanceAsync(1);
    const error = await received;
    assertEquals(error.message, "TIMEOUT");
    // A line that comes too late is read by nobody, and harms nobody.
    source.give(utf8('"}\n'));
    await settle();
  },
});

Deno.test({
  name: "the deadline can be set",
  permissions,
  async fn() {
    const { streams, clock } = start();
    const received = assertRejects(
      () => receiveCredentials(streams, { timeoutMs: 10, clock }),
      HandshakeError,
      "TIMEOUT",
    );
    await clock.advanceAsync(10);
    await received;
  },
});

Deno.test({
  name: "an end before a whole line is no input",
  permissions,
  async fn() {
    await assertReason("NO_INPUT");
    await assertReason("NO_INPUT", utf8('{"MQTT_BROKER":"mqtt.local"}'));
  },
});

Deno.test({
  name: "a stream that fails is no input",
  permissions,
  async fn() {
    const { source, streams, clock } = start();
    source.give(new Error("canary"));
    const error = await assertRejects(() => receiveCredentials(streams, { clock }), HandshakeError);
    assertEquals(error.message, "NO_INPUT");
    assertEquals(clock.pending, 0);
  },
});

Deno.test({
  name: "a line that is not JSON or not UTF-8 is invalid JSON",
  permissions,
  async fn() {
    for (
      const text of [
        "",
        " ",
        "canary",
        "{canary}",
        '{"a":1}}',
        "{'a':1}",
        '{"a":NaN}',
        "[".repeat(1e6),
      ]
    ) {
      await assertReason("INVALID_JSON", utf8(`${text}\n`));
    }
    await assertReason("INVALID_JSON", Uint8Array.of(0x22, 0xFF, 0x22, 0x0A));
    await assertReason(
      "INVALID_JSON",
      utf8('{"a":"'),
      Uint8Array.of(0xED, 0xA0, 0x80),
      utf8('"}\n'),
    );
  },
});

Deno.test({
  name: "JSON that is not an object is an invalid format",
  permissions,
  async fn() {
    for (const text of ["null", "[]", '[{"MQTT_BROKER":"h"}]', '"x"', "1", "true"]) {
      await assertReason("INVALID_FORMAT", utf8(`${text}\n`));
    }
  },
});

Deno.test({
  name: "a line longer than one MiB is an invalid format, even before it ends",
  permissions,
  async fn() {
    const frame = '{"a":""}'.length;
    const longest = `{"a":"${"x".repeat(MAX_CREDENTIAL_LINE_BYTES - frame)}"}`;
    assertEquals(Object.keys(await receive(utf8(`${longest}\n`))), ["a"]);
    await assertReason("INVALID_FORMAT", utf8(`${longest} \n`));
    const { streams, clock } = start();
    let given = 0;
    const endless = {
      read(p: Uint8Array): Promise<number> {
        given += p.length;
        p.fill(0x61);
        return Promise.resolve(p.length);
      },
    };
    const lines = new LineReader(endless, { maxBytes: MAX_CREDENTIAL_LINE_BYTES });
    await assertRejects(
      () => receiveCredentials({ ...streams, lines }, { clock }),
      HandshakeError,
      "INVALID_FORMAT",
    );
    assert(given < 4 * MAX_CREDENTIAL_LINE_BYTES);
  },
});

Deno.test({
  name: "of a key given twice the last one counts",
  permissions,
  async fn() {
    assertEquals(await receive(utf8('{"a":"1","a":"2"}\n')), { a: "2" });
  },
});

Deno.test({
  name: "a __proto__ key is a key like any other",
  permissions,
  async fn() {
    const received = await receive(utf8('{"__proto__":{"MQTT_BROKER":"h"}}\n'));
    assertEquals(Object.keys(received), ["__proto__"]);
    assertEquals(received.MQTT_BROKER, undefined);
  },
});

Deno.test({
  name: "the bytes of the credentials are overwritten, after failures too",
  permissions,
  async fn() {
    const inputs = [
      '{"a":"canary"}\n',
      "{canary\n",
      '["canary"]\n',
      "canary",
      '{"a":"canary"}\nrest',
    ];
    for (const input of inputs) {
      const source = new ChunkReader([utf8(input)]);
      let buffer: ArrayBufferLike | undefined;
      const spy = {
        read(p: Uint8Array): Promise<number | null> {
          buffer = p.buffer;
          return source.read(p);
        },
      };
      const lines = new LineReader(spy, { maxBytes: MAX_CREDENTIAL_LINE_BYTES });
      const given: Uint8Array[] = [];
      const next = lines.next.bind(lines);
      lines.next = async () => {
        const line = await next();
        if (line !== null && "bytes" in line) given.push(line.bytes);
        return line;
      };
      const streams = { lines, write: () => Promise.resolve() };
      await receiveCredentials(streams, { clock: new FakeClock() }).catch(() => {});
      assertEquals(given.length, 1);
      for (const bytes of given) assert(bytes.every((byte) => byte === 0), input);
      assert(buffer !== undefined);
      assertFalse(new TextDecoder().decode(new Uint8Array(buffer)).includes("canary"), input);
    }
  },
});

Deno.test({
  name: "a line that comes after the deadline is overwritten as well",
  permissions,
  async fn() {
    const { source, streams, clock } = start();
    let late: Uint8Array | undefined;
    const next = streams.lines.next.bind(streams.lines);
    streams.lines.next = async () => {
      const line = await next();
      if (line?.kind === "line") late = line.bytes;
      return line;
    };
    const received = assertRejects(() => receiveCredentials(streams, { clock }), HandshakeError);
    await clock.advanceAsync(5_000);
    await received;
    source.give(utf8('{"a":"canary"}\n'));
    await settle();
    assertEquals(late?.length, 14);
    assert(late?.every((byte) => byte === 0));
  },
});

Deno.test({
  name: "accepting says +OK, and rejecting why not, in one line of safe characters",
  permissions,
  async fn() {
    const { streams, output } = start();
    await acceptCredentials(streams);
    await rejectCredentials(streams, new HandshakeError("TIMEOUT"));
    await rejectCredentials(
      streams,
      new HandshakeError("INVALID_CREDENTIAL", "MQTT_PORT: must\n+OK\n\u001b[2J\u202E"),
    );
    assertEquals(output.lines, [
      "+OK",
      "+ERR TIMEOUT",
      "+ERR INVALID_CREDENTIAL MQTT_PORT: must\\u{0A}+OK\\u{0A}\\u{1B}[2J\\u{202E}",
    ]);
  },
});
