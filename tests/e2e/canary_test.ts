import { assert, assertEquals } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { type Canaries, hatchCanaries } from "../support/canaries.ts";
import { makeCertificates } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { callTool, handshake, sdkClient } from "../support/sdk_client.ts";
import {
  credentialsFor,
  type ServerKind,
  type ServerProcess,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";

const CALLS: [name: string, args: Record<string, unknown>][] = [
  ["publish", { topic: "a", message: "m" }],
  ["subscribe", { topic: "b/#", timeout: 0 }],
  ["get_retained", { topic: "c", timeout: 0.5 }],
  ["unsubscribe", { topic: "d" }],
];

/** What `/proc` tells every user of the machine, or this one, about the process. */
async function publicFaceOf(server: ServerProcess): Promise<string> {
  const files = ["cmdline", "environ"].map((file) => `/proc/${server.pid}/${file}`);
  const texts = files.map((file) => Deno.readTextFile(file).catch(() => ""));
  return (await Promise.all(texts)).join("\n");
}

/** Serves under `credentials`, calls every tool, does what `meanwhile` says, and takes leave. */
async function assertSilentWhileServing(
  kind: ServerKind,
  canaries: Canaries,
  credentials: Record<string, unknown>,
  meanwhile: (server: ServerProcess) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  await using server = spawnServer({ kind });
  const client = await sdkClient(server, { ...credentials, LOG_LEVEL: "DEBUG" });
  // Side by side, since each may wait for a connection as long as it may.
  await Promise.all(CALLS.map(([name, args]) => callTool(client, name, args)));
  await meanwhile(server);
  const face = await publicFaceOf(server);
  await server.closeInput();
  await server.exited();
  assert(server.stderrText.includes(" DEBUG "), "nothing was logged at DEBUG");
  canaries.assertAbsent({ stdout: server.stdoutText, stderr: server.stderrText, proc: face });
}

/** Sends one line of credentials that must be refused. */
async function assertSilentRefusal(
  kind: ServerKind,
  canaries: Canaries,
  line: string,
): Promise<void> {
  await using server = spawnServer({ kind });
  await server.lines.next();
  const face = await publicFaceOf(server);
  await server.write(`${line}\n`).catch(() => {});
  assertEquals((await server.exited()).code, 1, server.stdoutText.slice(0, 200));
  canaries.assertAbsent({ stdout: server.stdoutText, stderr: server.stderrText, proc: face });
}

testEachKind("no secret shows while all is well, or when the broker goes", async (kind) => {
  const canaries = hatchCanaries();
  const { login } = canaries;
  await using broker = await startAedes({
    authenticate: { username: login.MQTT_USER, password: login.MQTT_PASS },
  });
  await assertSilentWhileServing(kind, canaries, credentialsFor(broker, login), async () => {
    assertEquals(broker.clientIds, [login.MQTT_CLIENT_ID]);
    const before = broker.connects.length;
    await broker.stop();
    await broker.start();
    await broker.packets.find(() => broker.connects.length > before);
  });
});

testEachKind("no secret shows when the password is wrong", async (kind) => {
  const canaries = hatchCanaries();
  await using broker = await startAedes({ authenticate: { username: "u", password: "p" } });
  await assertSilentWhileServing(kind, canaries, credentialsFor(broker, canaries.login));
});

testEachKind("no secret shows when the broker cannot be reached", async (kind) => {
  const canaries = hatchCanaries();
  const closed = { hostname: "127.0.0.1", port: freePort() };
  // RFC 6761 keeps .invalid free for ever.
  const unknown = { hostname: "nobody.invalid", port: 1883 };
  await Promise.all(
    [closed, unknown].map((broker) =>
      assertSilentWhileServing(kind, canaries, credentialsFor(broker, canaries.login))
    ),
  );
});

testEachKind("no secret shows when the broker repeats it in its reasons", async (kind) => {
  const canaries = hatchCanaries();
  const { login } = canaries;
  const reasonString = `no ${login.MQTT_USER} with ${login.MQTT_PASS} as ${login.MQTT_CLIENT_ID}`;
  await Promise.all([0x86, 0x87, 0x85, 0x88].map(async (connackCode) => {
    await using broker = startScriptedBroker(obliging({
      connackCode,
      connackProperties: { reasonString, userProperties: { why: reasonString } },
    }));
    await assertSilentWhileServing(
      kind,
      canaries,
      credentialsFor(broker, { ...login, MQTT_VERSION: "5" }),
    );
  }));
});

testEachKind("no secret shows when TLS fails", async (kind) => {
  await using certificates = await makeCertificates();
  const { client, otherCa, ca } = certificates;
  const canaries = hatchCanaries([client.key, client.cert]);
  const identity = { MQTT_CERT: client.cert, MQTT_KEY: client.key };
  const tls = { ...canaries.login, ...identity, MQTT_TLS: true };
  const { server, expired, wrongHost } = certificates;
  await Promise.all(
    [[server, ca], [server, otherCa], [expired, ca], [wrongHost, ca], [undefined, ca]].map(
      async ([shown, trusted]) => {
        await using broker = await startAedes(shown === undefined ? {} : { tls: shown });
        const more = { ...tls, MQTT_CA: trusted?.cert };
        await assertSilentWhileServing(kind, canaries, credentialsFor(broker, more));
      },
    ),
  );
});

testEachKind("no secret shows when a certificate or key cannot be read", async (kind) => {
  const canaries = hatchCanaries();
  await using certificates = await makeCertificates();
  await using broker = await startAedes({ tls: certificates.server });
  for (
    const identity of [
      { MQTT_CA: canaries.pem("CERTIFICATE") },
      { MQTT_CERT: canaries.pem("CERTIFICATE"), MQTT_KEY: canaries.pem("PRIVATE KEY") },
      { MQTT_CERT: certificates.client.cert, MQTT_KEY: canaries.pem("PRIVATE KEY") },
    ]
  ) {
    const credentials = credentialsFor(broker, { ...canaries.login, MQTT_TLS: true, ...identity });
    await using server = spawnServer({ kind });
    await server.lines.next();
    await server.writeJson({ ...credentials, LOG_LEVEL: "DEBUG" });
    // Whether it is found at the handshake or at the first connection is the server's choice; Deno
    // before 2.9 ends the whole process at such a key, at any time and without a word.
    const nextLine = () => server.lines.next(30_000).catch(() => undefined);
    if (await nextLine() === "+OK") {
      await server.writeJson(toolCall("publish", { topic: "a", message: "m" })).catch(() => {});
      await nextLine();
    }
    await server.closeInput();
    await server.exited();
    canaries.assertAbsent({ stdout: server.stdoutText, stderr: server.stderrText });
  }
});

testEachKind("no secret shows when the WebSocket is refused", async (kind) => {
  const canaries = hatchCanaries();
  await using http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => new Response(`no ${request.url}`, { status: 404 }),
  );
  const more = { ...canaries.login, MQTT_TRANSPORT: "ws", MQTT_WS_PATH: canaries.wsPath };
  await assertSilentWhileServing(kind, canaries, credentialsFor(http.addr, more));
});

testEachKind("no secret shows when credentials are invalid", async (kind) => {
  const canaries = hatchCanaries();
  const { login, values } = canaries;
  const value = values[0];
  const valid = { ...login, MQTT_BROKER: "127.0.0.1" };
  const keys = [
    "MQTT_BROKER",
    "MQTT_PORT",
    "MQTT_TLS",
    "MQTT_TRANSPORT",
    "MQTT_VERSION",
    "MQTT_KEEPALIVE",
    "LOG_LEVEL",
    "MQTT_MAX_RESULT_CHARS",
    "MQTT_WS_PATH",
    "MQTT_CA",
    "MQTT_CERT",
    "MQTT_KEY",
  ];
  // A blank makes a value of any of these keys invalid.
  const wrong = Object.fromEntries(keys.map((key) => [key, `no ${value}`]));
  await assertSilentRefusal(kind, canaries, JSON.stringify({ ...valid, ...wrong }));
  await assertSilentRefusal(kind, canaries, JSON.stringify({ ...valid, MQTT_PORT: `1${value}` }));
  const nested = { ...valid, MQTT_USER: [value], MQTT_PASS: { value } };
  await assertSilentRefusal(kind, canaries, JSON.stringify(nested));
  const { MQTT_USER: _, ...noUser } = valid;
  await assertSilentRefusal(kind, canaries, JSON.stringify({ ...noUser, MQTT_BROKER: undefined }));
  for (const line of [`{"MQTT_PASS":"${value}"`, `${value}`, `["${value}"]`, `"${value}"`]) {
    await assertSilentRefusal(kind, canaries, line);
  }
});

testEachKind("no secret shows when a line of MCP holds it and is not JSON-RPC", async (kind) => {
  const canaries = hatchCanaries();
  await using broker = await startAedes();
  await using server = spawnServer({ kind });
  await handshake(server, credentialsFor(broker, { ...canaries.login, LOG_LEVEL: "DEBUG" }));
  const [value] = canaries.values;
  for (
    const line of [
      `{"MQTT_PASS":"${value}"`,
      `${value}`,
      `{"MQTT_PASS":"${value}"}`,
      `{"jsonrpc":"2.0","id":1,"method":{"${value}":1}}`,
    ]
  ) {
    await server.write(`${line}\n`);
    await server.lines.next();
  }
  await server.closeInput();
  await server.exited();
  canaries.assertAbsent({ stdout: server.stdoutText, stderr: server.stderrText });
});

testEachKind(
  "the canaries are alive: a tool's own result may hold what an agent sent",
  async (kind) => {
    // The contrast to the tests above: it shows that a secret on stdout would be found.
    const canaries = hatchCanaries();
    await using broker = await startAedes();
    await using server = spawnServer({ kind });
    const client = await sdkClient(server, credentialsFor(broker));
    await callTool(client, "publish", { topic: `t/${canaries.values[0]}`, message: "m" });
    assert(canaries.find(server.stdoutText).length > 0);
  },
);

function toolCall(name: string, args: Record<string, unknown>): Record<string, unknown> {
  return { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } };
}
