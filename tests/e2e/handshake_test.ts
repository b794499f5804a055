import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { freePort } from "../support/ports.ts";
import {
  credentialsFor,
  type ServerKind,
  type ServerProcess,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";

const MEBIBYTE = 1024 * 1024;
const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2024-11-05",
    capabilities: {},
    clientInfo: { name: "handshake-test", version: "1.0.0" },
  },
};

/** Credentials for a broker that is not there: the handshake must not need one. */
function nobody(): Record<string, unknown> {
  return credentialsFor({ hostname: "127.0.0.1", port: freePort() });
}

/** What the server says to `input`, byte for byte, and how it ends. */
async function answerTo(
  kind: ServerKind,
  input: string | Uint8Array,
  { thenEof = false }: { thenEof?: boolean } = {},
): Promise<{ stdout: string; code: number }> {
  await using server = spawnServer({ kind });
  await server.lines.next();
  // A server that has read enough may end before it has taken everything.
  await server.write(input).catch(() => {});
  if (thenEof) await server.closeInput();
  const { code } = await server.exited();
  return { stdout: server.stdoutText, code };
}

function rejection(reason: string): { stdout: string; code: number } {
  return { stdout: `+READY\n+ERR ${reason}\n`, code: 1 };
}

testEachKind("no credentials within 5 s end in +ERR TIMEOUT", async (kind) => {
  await using server = spawnServer({ kind });
  await server.lines.next();
  const start = performance.now();
  const { code, at } = await server.exited();
  assertEquals({ stdout: server.stdoutText, code }, rejection("TIMEOUT"));
  assertGreater(at - start, 4_500);
  assertLess(at - start, 8_000);
});

testEachKind("half a line of credentials within 5 s ends in +ERR TIMEOUT", async (kind) => {
  assertEquals(await answerTo(kind, `{"MQTT_BROKER":`), rejection("TIMEOUT"));
});

testEachKind("stdin that ends before a whole line ends in +ERR NO_INPUT", async (kind) => {
  for (const input of ["", `{"MQTT_BROKER":"localhost"}`]) {
    assertEquals(await answerTo(kind, input, { thenEof: true }), rejection("NO_INPUT"), input);
  }
});

testEachKind("a line that is not JSON in UTF-8 ends in +ERR INVALID_JSON", async (kind) => {
  const notUtf8 = new Uint8Array([
    ...new TextEncoder().encode(`{"MQTT_BROKER":"`),
    0xff,
    0x22,
    0x7d,
    0x0a,
  ]);
  for (const input of ["\n", "hello\n", `{"MQTT_BROKER":}\n`, notUtf8]) {
    assertEquals(await answerTo(kind, input), rejection("INVALID_JSON"), String(input));
  }
});

testEachKind("JSON that is not an object ends in +ERR INVALID_FORMAT", async (kind) => {
  for (const input of ["[]\n", `"x"\n`, "1\n", "null\n"]) {
    assertEquals(await answerTo(kind, input), rejection("INVALID_FORMAT"), input);
  }
});

testEachKind("a missing or empty MQTT_BROKER is named", async (kind) => {
  for (const input of ["{}\n", `{"MQTT_BROKER":""}\n`, `{"MQTT_BROKER":null}\n`]) {
    assertEquals(await answerTo(kind, input), rejection("MISSING_CREDENTIAL MQTT_BROKER"), input);
  }
});

testEachKind("a wrong value is reported by key and rule", async (kind) => {
  const { stdout, code } = await answerTo(
    kind,
    `{"MQTT_BROKER":"localhost","MQTT_PORT":"70000"}\n`,
  );
  const rule = "INVALID_CREDENTIAL MQTT_PORT: must be an integer from 1 to 65535";
  assertEquals({ stdout, code }, rejection(rule));
});

testEachKind("several wrong values are reported in one line", async (kind) => {
  const credentials = {
    MQTT_BROKER: "mqtt://localhost",
    MQTT_PORT: 0,
    MQTT_TLS: "perhaps",
    MQTT_KEEPALIVE: -1,
    LOG_LEVEL: "LOUD",
  };
  const { stdout, code } = await answerTo(kind, `${JSON.stringify(credentials)}\n`);
  assertEquals([code, stdout.split("\n").length], [1, 3]);
  for (const key of Object.keys(credentials)) assertStringIncludes(stdout, `${key}: must `);
});

testEachKind("a line over 1 MiB ends in +ERR INVALID_FORMAT", async (kind) => {
  const pad = "x".repeat(MEBIBYTE);
  assertEquals(
    await answerTo(kind, `{"MQTT_BROKER":"localhost","x":"${pad}"}\n`),
    rejection("INVALID_FORMAT"),
  );
});

testEachKind("a line of just under 1 MiB is accepted", async (kind) => {
  const start = JSON.stringify(nobody()).slice(0, -1);
  await using server = spawnServer({ kind });
  await server.lines.next();
  await server.write(`${start},"x":"${"x".repeat(MEBIBYTE - start.length - 8)}"}\n`);
  assertEquals(await server.lines.next(), "+OK");
});

testEachKind("+READY and +OK are the whole of what the server says unasked", async (kind) => {
  await using server = spawnServer({ kind });
  assertEquals(await server.lines.next(), "+READY");
  await server.writeJson(nobody());
  assertEquals(await server.lines.next(), "+OK");
  await server.closeInput();
  assertEquals((await server.exited()).code, 0);
  assertEquals(server.stdoutText, "+READY\n+OK\n");
});

testEachKind("bytes sent right behind the credential line are not lost", async (kind) => {
  await using server = spawnServer({ kind });
  await server.lines.next();
  const ping = { jsonrpc: "2.0", id: 2, method: "ping" };
  const lines = [nobody(), INITIALIZE, ping].map((line) => `${JSON.stringify(line)}\n`);
  await server.write(lines.join(""));
  assertEquals(await server.lines.next(), "+OK");
  await assertAnswers(server, [1, 2]);
});

testEachKind("a line cut anywhere by the pipe is put together again", async (kind) => {
  await using server = spawnServer({ kind });
  await server.lines.next();
  const ping = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "ping", params: { "ü": "€😀" } });
  const text = `${JSON.stringify({ ...nobody(), MQTT_USER: "ü€😀" })}\n${
    JSON.stringify(INITIALIZE)
  }\n${ping}\n`;
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at++) await server.write(bytes.subarray(at, at + 1));
  assertEquals(await server.lines.next(), "+OK");
  await assertAnswers(server, [1, 2]);
});

testEachKind("numbers and booleans are taken for credentials as strings are", async (kind) => {
  for (const port of [1883, "1883"]) {
    await using server = spawnServer({ kind });
    await server.lines.next();
    await server.writeJson({ MQTT_BROKER: "127.0.0.1", MQTT_PORT: port, MQTT_TLS: false });
    assertEquals(await server.lines.next(), "+OK");
  }
});

testEachKind("unknown credentials are named in one warning, without their values", async (kind) => {
  await using server = spawnServer({ kind });
  await server.lines.next();
  await server.writeJson({ ...nobody(), MQTT_PASWORD: "s3cret-of-a-typo", OTHER: "second-s3cret" });
  assertEquals(await server.lines.next(), "+OK");
  const warning = await server.stderrLines.find((line) => line.includes("MQTT_PASWORD"));
  assertStringIncludes(warning, "OTHER");
  assertStringIncludes(warning, "WARNING");
  await server.closeInput();
  await server.exited();
  assert(!server.stderrText.includes("s3cret"));
});

async function assertAnswers(server: ServerProcess, ids: number[]): Promise<void> {
  for (const id of ids) {
    const answer = JSON.parse(await server.lines.next());
    assertEquals([answer.id, answer.error], [id, undefined]);
  }
}
