import { assert, assertEquals } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { hatchCanaries } from "../support/canaries.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { startScriptedBroker } from "../support/scripted_broker.ts";
import { callTool, sdkClient } from "../support/sdk_client.ts";
import {
  ignoreKind,
  type ServerKind,
  type ServerProcess,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";
import { placesOf, trace, writes } from "../support/strace.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { amount, report } from "./support.ts";

const SCHEMES = ["mqtt", "mqtts", "ws", "wss"] as const;

/** Everything that is known to send a program's connections elsewhere. */
function proxiesTo(port: number): Record<string, string> {
  const url = `http://127.0.0.1:${port}`;
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY", "FTP_PROXY"];
  return {
    ...Object.fromEntries(
      names.flatMap((name) => [[name, url], [name.toLowerCase(), url]]),
    ),
    NO_PROXY: "",
    no_proxy: "",
    NODE_USE_ENV_PROXY: "1",
    MQTTJS_SOCKS_PROXY: `socks5://127.0.0.1:${port}`,
  };
}

/** A broker of one scheme, and the credentials for it. */
async function brokerOf(scheme: (typeof SCHEMES)[number], { server, ca }: Certificates) {
  const secure = scheme.endsWith("s") && scheme !== "ws";
  const ws = scheme.startsWith("ws");
  const broker = await startAedes({
    ...(secure ? { tls: server } : {}),
    ...(ws ? { wsPath: "/mqtt" } : {}),
  });
  const credentials = {
    MQTT_BROKER: "localhost",
    MQTT_PORT: broker.port,
    MQTT_TRANSPORT: ws ? "ws" : "tcp",
    ...(secure ? { MQTT_TLS: true, MQTT_CA: ca.cert } : {}),
  };
  return { broker, credentials };
}

/** Calls every tool, and has the connection break and come again. */
async function useAll(
  server: ServerProcess,
  broker: Awaited<ReturnType<typeof startAedes>>,
  credentials: Record<string, unknown>,
): Promise<void> {
  const client = await sdkClient(server, credentials);
  const calls: [string, Record<string, unknown>][] = [
    ["publish", { topic: "a", message: "m", retain: true }],
    ["subscribe", { topic: "a", timeout: 0 }],
    ["get_retained", { topic: "a" }],
    ["list_topics", { topic: "#", timeout: 0.2 }],
    ["request", { topic: "q", message: "m", response_topic: "r", timeout: 0.2 }],
    ["status", {}],
  ];
  for (const [name, args] of calls) await callTool(client, name, args);
  const before = broker.connects.length;
  broker.kill();
  await broker.packets.find(() => broker.connects.length > before);
  const { data } = await callTool(client, "publish", { topic: "a", message: "again" });
  assertEquals(data.success, true, String(data["error"]));
  await callTool(client, "unsubscribe", { topic: "a" });
}

testEachKind("no proxy variable turns a connection away from the broker", async (kind) => {
  await using certificates = await makeCertificates();
  await using other = startScriptedBroker();
  for (const scheme of SCHEMES) {
    const { broker, credentials } = await brokerOf(scheme, certificates);
    await using _ = broker;
    await using server = spawnServer({ kind, env: proxiesTo(other.port) });
    const client = await sdkClient(server, credentials);
    const { data } = await callTool(client, "publish", { topic: "a", message: "m" });
    assertEquals({ scheme, success: data.success }, { scheme, success: true });
  }
  const knocks = other.connections.all.length;
  assertEquals(knocks, 0);
  report(
    14,
    `proxy variables (${kind}): ${SCHEMES.join(", ")} reach the broker, the proxy nothing`,
  );
});

Deno.test({
  name:
    "the compiled binary under a hostile environment connects only to the broker, writes no file",
  ignore: ignoreKind("compiled") || requireOrIgnore("strace"),
  async fn() {
    await using certificates = await makeCertificates();
    await using other = startScriptedBroker();
    const url = `http://127.0.0.1:${other.port}`;
    const { folder } = certificates;
    const hostile = {
      ...proxiesTo(other.port),
      DENO_COVERAGE_DIR: `${folder}/coverage`,
      DENO_DIR: `${folder}/deno`,
      DENO_PERMISSION_BROKER_PATH: `${folder}/broker.sock`,
      DENO_TRACE_PERMISSIONS: "1",
      DENO_V8_FLAGS: "--prof",
      NODE_EXTRA_CA_CERTS: `${folder}/absent.crt`,
      NODE_OPTIONS: `--require=${folder}/absent.js --inspect=127.0.0.1:${freePort()}`,
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      NODE_V8_COVERAGE: `${folder}/coverage`,
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_METRIC_EXPORT_INTERVAL: "200",
      XDG_CACHE_HOME: `${folder}/cache`,
    };
    let count = 0;
    for (const scheme of SCHEMES.slice(0, amount(4, 1))) {
      const { broker, credentials } = await brokerOf(scheme, certificates);
      await using _ = broker;
      const calls = await trace((server) => useAll(server, broker, credentials), hostile);
      assertEquals(calls.filter(writes), [], scheme);
      assertEquals(placesOf(calls), [`127.0.0.1:${broker.port}`], scheme);
      const listening = calls.filter((call) => /^\d+ +listen\(/.test(call));
      assertEquals(listening, [], scheme);
      count += calls.length;
    }
    assertEquals(other.connections.all.length, 0);
    report(
      14,
      `strace in a hostile environment: of ${count} system calls on files and network none opens ` +
        "for writing, listens, or connects but to the broker",
    );
  },
});

testEachKind("what the runtime itself logs when told to holds no credential", async (kind) => {
  const canaries = hatchCanaries();
  await using broker = await startAedes();
  const env = { DENO_LOG: "trace", NODE_DEBUG: "net,tls,http,stream", RUST_LOG: "trace" };
  await using server = spawnServer({ kind, env });
  const place = { MQTT_BROKER: "127.0.0.1", MQTT_PORT: broker.port };
  const client = await sdkClient(server, { ...place, ...canaries.login });
  const { data } = await callTool(client, "publish", { topic: "a", message: "m" });
  assertEquals(data.success, true);
  await server.closeInput();
  await server.exited();
  canaries.assertAbsent({ stdout: server.stdoutText, stderr: server.stderrText });
});

/** Whether the broker was reached over TLS with its CA known only through this environment. */
async function trusts(kind: ServerKind, env: Record<string, string>): Promise<unknown> {
  await using certificates = await makeCertificates();
  await using broker = await startAedes({ tls: certificates.server });
  const named = Object.fromEntries(
    Object.keys(env).map((name) => [name, certificates.ca.certFile]),
  );
  await using server = spawnServer({ kind, env: named });
  const place = { MQTT_BROKER: "localhost", MQTT_PORT: broker.port, MQTT_TLS: true };
  const client = await sdkClient(server, place);
  const { data } = await callTool(client, "publish", { topic: "a", message: "m" });
  return data.success || data["code"];
}

Deno.test("from source the runtime also takes NODE_EXTRA_CA_CERTS", async () => {
  assertEquals(await trusts("source", { NODE_EXTRA_CA_CERTS: "" }), true);
  assertEquals(await trusts("source", {}), "TLS_UNTRUSTED");
});

Deno.test("from source OTEL_DENO makes the runtime send to its endpoint, past all permissions", async () => {
  await using broker = await startAedes();
  await using other = startScriptedBroker();
  await using server = spawnServer({
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${other.port}`,
      OTEL_METRIC_EXPORT_INTERVAL: "100",
    },
  });
  const client = await sdkClient(server, { MQTT_BROKER: "127.0.0.1", MQTT_PORT: broker.port });
  await callTool(client, "publish", { topic: "a", message: "m" });
  await other.connections.next();
});

Deno.test("from source NODE_OPTIONS opens a debugger's port, and code coverage writes files", async () => {
  await using broker = await startAedes();
  const folder = await Deno.makeTempDir({ prefix: "mqtt-smcp-environment-" });
  const port = freePort();
  try {
    const env = {
      NODE_OPTIONS: `--inspect=127.0.0.1:${port}`,
      DENO_COVERAGE_DIR: `${folder}/coverage`,
    };
    {
      await using server = spawnServer({ env });
      const client = await sdkClient(server, { MQTT_BROKER: "127.0.0.1", MQTT_PORT: broker.port });
      await callTool(client, "publish", { topic: "a", message: "m" });
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      await server.closeInput();
      await server.exited();
    }
    const files = await Array.fromAsync(Deno.readDir(`${folder}/coverage`));
    assert(files.length > 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("from source DENO_PERMISSION_BROKER_PATH hands the permissions to another process", async () => {
  const path = `${Deno.cwd()}/absent.sock`;
  await using server = spawnServer({ env: { DENO_PERMISSION_BROKER_PATH: path } });
  // Nobody listens there: the runtime does not even start.
  const { code } = await server.exited();
  assertEquals([code === 0, server.stdoutText], [false, ""]);
});
