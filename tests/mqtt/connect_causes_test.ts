import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MqttSmcpError } from "../../src/errors.ts";
import type { ProtocolVersion } from "../../src/mqtt/packets.ts";
import { startAedes } from "../support/aedes.ts";
import { makeCertificates } from "../support/certificates.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { freePort, hasIpv6 } from "../support/ports.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { bound, causeOf, type Credentials, open, outbound } from "./open.ts";

const overBoth: Credentials[] = [{}, { MQTT_TRANSPORT: "ws" }];

Deno.test("a port that nothing listens on is named as refused", async () => {
  assertEquals(await causeOf({ MQTT_PORT: freePort() }), "BROKER_REFUSED_CONNECTION");
  const ws = { MQTT_PORT: freePort(), MQTT_TRANSPORT: "ws" };
  assertEquals(await causeOf(ws), "BROKER_REFUSED_CONNECTION");
});

Deno.test("a host name that does not exist is named as not found", async () => {
  const nowhere = { MQTT_BROKER: "no-such-host.invalid", MQTT_PORT: 1883 };
  assertEquals(await causeOf(nowhere, { ms: 15_000 }), "HOST_NOT_FOUND");
  const ws = { ...nowhere, MQTT_TRANSPORT: "ws" };
  assertEquals(await causeOf(ws, { ms: 15_000 }), "HOST_NOT_FOUND");
});

Deno.test("a wrong password is named by the broker's answer, in both transports", async () => {
  const authenticate = { username: "u", password: "right" };
  await using tcp = await startAedes({ authenticate });
  await using ws = await startAedes({ authenticate, wsPath: "/mqtt" });
  const login = { MQTT_USER: "u", MQTT_PASS: "wrong" };
  const version = "3.1.1";
  assertEquals(await causeOf({ MQTT_PORT: tcp.port, ...login }, { version }), "BAD_CREDENTIALS");
  const overWs = { MQTT_PORT: ws.port, MQTT_TRANSPORT: "ws", ...login };
  assertEquals(await causeOf(overWs, { version }), "BAD_CREDENTIALS");
});

Deno.test("each refusal in CONNACK arrives as its own cause, in both versions", async () => {
  const rows: [ProtocolVersion, number, string][] = [
    ["5", 0x84, "VERSION_NOT_SUPPORTED"],
    ["5", 0x85, "CLIENT_ID_REJECTED"],
    ["5", 0x86, "BAD_CREDENTIALS"],
    ["5", 0x87, "NOT_AUTHORIZED"],
    ["5", 0x8a, "NOT_AUTHORIZED"],
    ["5", 0x88, "BROKER_UNAVAILABLE"],
    ["3.1.1", 1, "VERSION_NOT_SUPPORTED"],
    ["3.1.1", 2, "CLIENT_ID_REJECTED"],
    ["3.1.1", 3, "BROKER_UNAVAILABLE"],
    ["3.1.1", 4, "BAD_CREDENTIALS"],
    ["3.1.1", 5, "NOT_AUTHORIZED"],
  ];
  for (const [version, connackCode, wanted] of rows) {
    await using broker = startScriptedBroker(obliging({ connackCode }));
    const cause = await causeOf({ MQTT_PORT: broker.port }, { version });
    assertEquals(cause, wanted, `${version} ${connackCode}`);
  }
});

Deno.test("Aedes, which speaks 3.1.1 only, is known to refuse MQTT 5 for its version", async () => {
  await using broker = await startAedes();
  assertEquals(await causeOf({ MQTT_PORT: broker.port }), "VERSION_NOT_SUPPORTED");
});

Deno.test("a port that takes the connection and stays silent is named so", async () => {
  // It never accepts: the kernel alone completes the connection.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const failure = await assertRejects(
    () => open({ MQTT_PORT: port }, { ms: 200 }),
    MqttSmcpError,
    "no MQTT broker answered",
  );
  assertEquals(failure.code, "CONNECT_TIMEOUT");
  for (const more of [{ MQTT_TRANSPORT: "ws" }, { MQTT_TLS: true }]) {
    assertEquals(await causeOf({ MQTT_PORT: port, ...more }, { ms: 200 }), "CONNECT_TIMEOUT");
  }
});

Deno.test("a broker that hangs up on CONNECT is named so", async () => {
  await using broker = startScriptedBroker({ onPacket: (_packet, it) => it.drop() });
  const failure = await assertRejects(() => open({ MQTT_PORT: broker.port }), MqttSmcpError);
  assertEquals(failure.code, "CONNECTION_CLOSED");
  assertMatch(failure.message, /without answering CONNECT/);
});

Deno.test("garbage instead of CONNACK is named as another protocol", async () => {
  const texts = ["SSH-2.0-OpenSSH_9\r\n", "220 mail ready\r\n", "\0\0\0\0", "\x20\x02\x00"];
  for (const [index, text] of texts.entries()) {
    await using broker = startScriptedBroker({
      onPacket: async (_packet, it) => {
        await it.sendBytes(new TextEncoder().encode(text));
        if (index === 3) it.drop();
      },
    });
    const cause = await causeOf({ MQTT_PORT: broker.port }, { ms: 1_000 });
    const wanted = index === 3 ? "CONNECTION_CLOSED" : "PROTOCOL_NOT_SPOKEN";
    assertEquals(cause, wanted, JSON.stringify(text));
  }
});

Deno.test("an HTTP server on the port is named", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response("no", { status: 404 }),
  );
  const { port } = server.addr;
  const failure = await assertRejects(() => open({ MQTT_PORT: port }), MqttSmcpError);
  assertEquals(failure.code, "PROTOCOL_NOT_SPOKEN");
  const overWs = await assertRejects(
    () => open({ MQTT_PORT: port, MQTT_TRANSPORT: "ws" }),
    MqttSmcpError,
    "HTTP status 404",
  );
  assertEquals(overWs.code, "WEBSOCKET_REFUSED");
});

Deno.test("untrusted, expired and foreign certificates are told apart, with TLS and wss", async () => {
  await using certificates = await makeCertificates();
  const rows: ["server" | "expired" | "wrongHost", string | undefined, string][] = [
    ["server", undefined, "TLS_UNTRUSTED"],
    ["server", certificates.otherCa.cert, "TLS_UNTRUSTED"],
    ["expired", certificates.ca.cert, "TLS_EXPIRED"],
    ["wrongHost", certificates.ca.cert, "TLS_WRONG_HOST"],
  ];
  for (const [show, ca, wanted] of rows) {
    for (const transport of overBoth) {
      const ws = "MQTT_TRANSPORT" in transport;
      await using broker = await startAedes({
        tls: certificates[show],
        ...(ws ? { wsPath: "/mqtt" } : {}),
      });
      for (const host of ["localhost", "127.0.0.1"]) {
        const cause = await causeOf({
          MQTT_BROKER: host,
          MQTT_PORT: broker.port,
          MQTT_TLS: true,
          ...transport,
          ...(ca === undefined ? {} : { MQTT_CA: ca }),
        });
        assertEquals(cause, wanted, `${show} ${host} ${ws}`);
      }
    }
  }
});

Deno.test("a private CA lets TLS and wss connect", async () => {
  await using certificates = await makeCertificates();
  for (const ws of [false, true]) {
    await using broker = await startAedes({
      tls: certificates.server,
      ...(ws ? { wsPath: "/mqtt" } : {}),
    });
    for (const host of ["localhost", "127.0.0.1"]) {
      const connection = await open({
        MQTT_BROKER: host,
        MQTT_PORT: broker.port,
        MQTT_TLS: true,
        MQTT_TRANSPORT: ws ? "ws" : "tcp",
        MQTT_CA: certificates.ca.cert,
      }, { version: "3.1.1" });
      assertEquals((await connection.publish(outbound("a", 1), bound)).reasonCode, 0);
      await connection.close(1_000);
    }
  }
});

Deno.test("TLS to a port without it, and the reverse, are told apart", async () => {
  await using certificates = await makeCertificates();
  await using plain = await startAedes();
  await using secure = await startAedes({ tls: certificates.server });
  await using talking = startScriptedBroker({
    onConnection: (it) => it.sendBytes(new TextEncoder().encode("220 hello\r\n")),
  });
  const tls = { MQTT_TLS: true, MQTT_CA: certificates.ca.cert };
  const toPlain = await causeOf({ MQTT_PORT: plain.port, ...tls });
  assert(["TLS_NOT_SPOKEN", "TLS_FAILED"].includes(toPlain), toPlain);
  assertEquals(await causeOf({ MQTT_PORT: talking.port, ...tls }), "TLS_NOT_SPOKEN");
  assertEquals(await causeOf({ MQTT_PORT: secure.port }), "TLS_REQUIRED");
});

Deno.test({
  name: "Mosquitto: TLS to a plain port, the reverse, and a missing client certificate",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using certificates = await makeCertificates();
    await using broker = await startMosquitto({ certificates });
    const { ports } = broker;
    const { ca, client, stranger } = certificates;
    const tls = { MQTT_TLS: true, MQTT_CA: ca.cert };
    const toPlain = await causeOf({ MQTT_PORT: ports.tcp, ...tls });
    assert(["TLS_NOT_SPOKEN", "TLS_FAILED"].includes(toPlain), toPlain);
    const toTls = await causeOf({ MQTT_PORT: ports.tls });
    assert(["TLS_REQUIRED", "CONNECTION_CLOSED"].includes(toTls), toTls);
    assertEquals(await causeOf({ MQTT_PORT: ports.mutualTls, ...tls }), "TLS_CLIENT_CERTIFICATE");
    const foreign = { MQTT_CERT: stranger.cert, MQTT_KEY: stranger.key };
    assertEquals(
      await causeOf({ MQTT_PORT: ports.mutualTls, ...tls, ...foreign }),
      "TLS_CLIENT_CERTIFICATE",
    );
    const own = { MQTT_CERT: client.cert, MQTT_KEY: client.key };
    const connection = await open({ MQTT_PORT: ports.mutualTls, ...tls, ...own });
    await connection.close(1_000);
  },
});

Deno.test({
  name: "Mosquitto's refusals are told apart",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using broker = await startMosquitto({ users: { u: "p" } });
    for (const version of ["5", "3.1.1"] as const) {
      const wrong = { MQTT_PORT: broker.port, MQTT_USER: "u", MQTT_PASS: "no" };
      const cause = await causeOf(wrong, { version });
      assert(["BAD_CREDENTIALS", "NOT_AUTHORIZED"].includes(cause), cause);
      assertEquals(await causeOf({ MQTT_PORT: broker.port }, { version }), "NOT_AUTHORIZED");
    }
  },
});

Deno.test({
  name: "IPv6 connects, also by WebSocket",
  ignore: !hasIpv6(),
  async fn() {
    for (const ws of [false, true]) {
      await using broker = await startAedes({
        hostname: "::1",
        ...(ws ? { wsPath: "/mqtt" } : {}),
      });
      const connection = await open({
        MQTT_BROKER: "::1",
        MQTT_PORT: broker.port,
        MQTT_TRANSPORT: ws ? "ws" : "tcp",
      }, { version: "3.1.1" });
      await connection.close(1_000);
      await broker.saw("disconnect");
    }
  },
});
