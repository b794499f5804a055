import { assertEquals, assertMatch } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { makeCertificates } from "../support/certificates.ts";
import { type ListenerName, startMosquitto } from "../support/mosquitto.ts";
import { hasIpv6 } from "../support/ports.ts";
import { callTool, sdkClient, type ToolAnswer } from "../support/sdk_client.ts";
import {
  type ServerKind,
  spawnServer,
  testEachKind as testEachGivenKind,
} from "../support/server_process.ts";
import { requireOrIgnore } from "../support/tools.ts";

/** The worker from source too: it is confined as the binary is, on the newest Deno. */
const KINDS: readonly ServerKind[] = ["source", "worker", "compiled"];

function testEachKind(
  name: string,
  run: (kind: ServerKind) => Promise<void>,
  ignore = false,
): void {
  testEachGivenKind(name, run, { ignore, kinds: KINDS });
}

/** One publish under these credentials. */
async function publish(
  kind: ServerKind,
  credentials: Record<string, unknown>,
): Promise<ToolAnswer["data"]> {
  await using server = spawnServer({ kind });
  const client = await sdkClient(server, credentials);
  return (await callTool(client, "publish", { topic: "a/b", message: "x" })).data;
}

testEachKind("every transport of Mosquitto serves, in both versions", async (kind) => {
  await using certificates = await makeCertificates();
  await using broker = await startMosquitto({
    websockets: true,
    certificates,
    users: { u: "p" },
  });
  const { ca, client } = certificates;
  const tls = { MQTT_TLS: true, MQTT_CA: ca.cert };
  const rows: [ListenerName, Record<string, unknown>][] = [
    ["tcp", {}],
    ["tls", tls],
    ["mutualTls", { ...tls, MQTT_CERT: client.cert, MQTT_KEY: client.key }],
    ["ws", { MQTT_TRANSPORT: "ws" }],
    ["wss", { ...tls, MQTT_TRANSPORT: "ws" }],
  ];
  for (const [listener, more] of rows) {
    for (const MQTT_VERSION of ["5", "3.1.1"]) {
      const login = { MQTT_USER: "u", MQTT_PASS: "p", MQTT_VERSION };
      const place = { MQTT_BROKER: "127.0.0.1", MQTT_PORT: broker.ports[listener] };
      const { success, error } = await publish(kind, { ...place, ...login, ...more });
      assertEquals({ listener, MQTT_VERSION, success, error }, {
        listener,
        MQTT_VERSION,
        success: true,
        error: undefined,
      });
    }
  }
}, requireOrIgnore("mosquitto"));

testEachKind(
  "a host name, IPv4 and IPv6 reach the broker, plain and by WebSocket",
  async (kind) => {
    for (const wsPath of [undefined, "/custom/path?x=1"]) {
      const more = wsPath === undefined ? {} : { MQTT_TRANSPORT: "ws", MQTT_WS_PATH: wsPath };
      const options = wsPath === undefined ? {} : { wsPath: "/custom/path" };
      await using four = await startAedes(options);
      const { port } = four;
      for (const MQTT_BROKER of ["localhost", "127.0.0.1"]) {
        const { success, error } = await publish(kind, { MQTT_BROKER, MQTT_PORT: port, ...more });
        assertEquals({ MQTT_BROKER, success, error }, {
          MQTT_BROKER,
          success: true,
          error: undefined,
        });
      }
      if (!hasIpv6()) continue;
      await using six = await startAedes({ ...options, hostname: "::1" });
      for (const MQTT_BROKER of ["::1", "[::1]"]) {
        const { success, error } = await publish(kind, {
          MQTT_BROKER,
          MQTT_PORT: six.port,
          ...more,
        });
        assertEquals({ MQTT_BROKER, success, error }, {
          MQTT_BROKER,
          success: true,
          error: undefined,
        });
      }
    }
  },
);

testEachKind("each cause of a failed TLS connection is told apart", async (kind) => {
  await using certificates = await makeCertificates();
  const { server, expired, wrongHost, ca, otherCa } = certificates;
  const rows = [
    [/^TLS_UNTRUSTED$/, server, otherCa.cert],
    [/^TLS_UNTRUSTED$/, server, undefined],
    [/^TLS_EXPIRED$/, expired, ca.cert],
    [/^TLS_WRONG_HOST$/, wrongHost, ca.cert],
    // How a plain broker takes a TLS hello, and what Deno makes of that, differs.
    [/^(TLS_NOT_SPOKEN|TLS_FAILED|CONNECTION_CLOSED)$/, undefined, ca.cert],
  ] as const;
  const codes = await Promise.all(rows.map(async ([_, shown, MQTT_CA]) => {
    await using broker = await startAedes(shown === undefined ? {} : { tls: shown });
    const place = { MQTT_BROKER: "localhost", MQTT_PORT: broker.port, MQTT_TLS: true };
    const answer = await publish(kind, { ...place, ...(MQTT_CA === undefined ? {} : { MQTT_CA }) });
    assertEquals(answer.success, false);
    return String(answer["code"]);
  }));
  for (const [i, [expected]] of rows.entries()) assertMatch(codes[i] ?? "", expected, `${codes}`);
});

testEachKind("a missing or foreign client certificate is named", async (kind) => {
  await using certificates = await makeCertificates();
  await using broker = await startMosquitto({ certificates });
  const { ca, stranger } = certificates;
  const place = { MQTT_BROKER: "127.0.0.1", MQTT_PORT: broker.ports.mutualTls };
  const tls = { ...place, MQTT_TLS: true, MQTT_CA: ca.cert };
  for (const identity of [{}, { MQTT_CERT: stranger.cert, MQTT_KEY: stranger.key }]) {
    const answer = await publish(kind, { ...tls, ...identity });
    assertEquals(answer.success, false);
    assertMatch(String(answer["code"]), /^TLS_(CLIENT_CERTIFICATE|FAILED)$/);
  }
}, requireOrIgnore("mosquitto"));

testEachKind(
  "a plain connection to a TLS port is told from a broker that is away",
  async (kind) => {
    await using certificates = await makeCertificates();
    await using broker = await startAedes({ tls: certificates.server });
    const answer = await publish(kind, { MQTT_BROKER: "localhost", MQTT_PORT: broker.port });
    assertEquals(answer.success, false);
    assertMatch(String(answer["code"]), /^(TLS_REQUIRED|CONNECTION_CLOSED|PROTOCOL_NOT_SPOKEN)$/);
  },
);
