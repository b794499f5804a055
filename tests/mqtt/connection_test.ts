import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { parseConfig } from "../../src/config.ts";
import { MqttSmcpError } from "../../src/errors.ts";
import { type Connection, openConnection } from "../../src/mqtt/connection.ts";
import type { InboundMessage, ProtocolVersion } from "../../src/mqtt/packets.ts";
import { startAedes } from "../support/aedes.ts";
import { makeCertificates } from "../support/certificates.ts";
import { within } from "../support/inbox.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import { freePort, hasIpv6 } from "../support/ports.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { requireOrIgnore } from "../support/tools.ts";

type Credentials = Readonly<Record<string, unknown>>;

const NEVER = new AbortController().signal;

/** Opens a connection under these credentials; by default to 127.0.0.1 and with MQTT 5. */
function open(
  credentials: Credentials,
  {
    version = "5" as ProtocolVersion,
    ms = 5_000,
    signal = NEVER,
    onMessage = (_message: InboundMessage): void => {},
  } = {},
): Promise<Connection> {
  const { config } = parseConfig({ MQTT_BROKER: "127.0.0.1", ...credentials });
  const opening = openConnection({
    endpoint: config,
    version,
    clock: systemClock,
    connectTimeoutMs: ms,
    onMessage,
  }, signal);
  return within(20_000, "the connection", opening);
}

/** The code with which an attempt fails. */
async function causeOf(
  credentials: Credentials,
  options: Parameters<typeof open>[1] = {},
): Promise<string> {
  const error = await assertRejects(() => open(credentials, options), MqttSmcpError);
  return error.code;
}

const bound = { clock: systemClock, ms: 5_000 };

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

const overBoth: Credentials[] = [{}, { MQTT_TRANSPORT: "ws" }];

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

function outbound(topic: string, qos: 0 | 1 | 2): {
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1 | 2;
  retain: boolean;
} {
  return { topic, payload: new TextEncoder().encode("x"), qos, retain: false };
}

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

Deno.test("an attempt that is aborted ends at once, and its socket with it", async () => {
  await using broker = startScriptedBroker();
  const abort = new AbortController();
  const attempt = assertRejects(
    () => open({ MQTT_PORT: broker.port }, { signal: abort.signal }),
    MqttSmcpError,
    "cancelled",
  );
  const connection = await broker.connections.next();
  abort.abort();
  await attempt;
  await within(5_000, "the socket to close", connection.ended);
  await assertRejects(
    () => open({ MQTT_PORT: broker.port }, { signal: abort.signal }),
    MqttSmcpError,
    "cancelled",
  );
});

Deno.test("closing sends DISCONNECT, even behind a publish that nobody acknowledges", async () => {
  await using broker = startScriptedBroker(obliging({ publishCode: () => null }));
  const connection = await open({ MQTT_PORT: broker.port });
  const peer = await broker.connections.next();
  const publishing = assertRejects(
    () => connection.publish(outbound("t", 1), bound),
    MqttSmcpError,
    "unknown",
  );
  await peer.next("publish");
  const started = Date.now();
  await connection.close(50);
  assert(Date.now() - started < 2_000);
  await publishing;
  await peer.next("disconnect");
  assert(connection.failure !== undefined);
});

Deno.test("everything under way ends with the connection, each with the cause", async () => {
  await using broker = startScriptedBroker(
    obliging({
      publishCode: () => null,
      subscribeCode: () => null,
      unsubscribeCode: () => null,
      pings: false,
    }),
  );
  const connection = await open({ MQTT_PORT: broker.port });
  const peer = await broker.connections.next();
  const codeOf = (call: Promise<unknown>): Promise<string> =>
    call.then(() => "none", (error: MqttSmcpError) => error.code);
  const calls = [
    codeOf(connection.publish(outbound("t", 1), bound)),
    codeOf(connection.publish(outbound("t", 2), bound)),
    codeOf(connection.subscribe({ filter: "a", qos: 1, id: 1 }, bound)),
    codeOf(connection.unsubscribe("b", bound)),
    codeOf(connection.ping(bound)),
  ];
  await peer.next("pingreq");
  peer.drop();
  assertEquals(await Promise.all(calls), [
    "OUTCOME_UNKNOWN",
    "OUTCOME_UNKNOWN",
    "CONNECTION_CLOSED",
    "CONNECTION_CLOSED",
    "CONNECTION_CLOSED",
  ]);
  const later = [
    codeOf(connection.publish(outbound("t", 1), bound)),
    codeOf(connection.publish(outbound("t", 0), bound)),
    codeOf(connection.subscribe({ filter: "a", qos: 1, id: 1 }, bound)),
    codeOf(connection.ping(bound)),
  ];
  for (const code of await Promise.all(later)) {
    assert(["CONNECTION_CLOSED", "OUTCOME_UNKNOWN"].includes(code), code);
  }
});

Deno.test("what was never sent is not called unknown", async () => {
  await using broker = startScriptedBroker(obliging());
  const connection = await open({ MQTT_PORT: broker.port });
  (await broker.connections.next()).drop();
  await new Promise<unknown>((resolve) => connection.onEnd(resolve));
  for (const qos of [0, 1, 2] as const) {
    const failure = await assertRejects(
      () => connection.publish(outbound("t", qos), bound),
      MqttSmcpError,
    );
    assertEquals(failure.code, "CONNECTION_CLOSED", `QoS ${qos}`);
  }
});

Deno.test("a silent broker's answers have a deadline each", async () => {
  await using broker = startScriptedBroker(
    obliging({
      publishCode: () => null,
      subscribeCode: () => null,
      unsubscribeCode: () => null,
      pings: false,
    }),
  );
  const connection = await open({ MQTT_PORT: broker.port });
  const short = { clock: systemClock, ms: 50 };
  const rows: [Promise<unknown>, string][] = [
    [connection.publish(outbound("t", 1), short), "OUTCOME_UNKNOWN"],
    [connection.subscribe({ filter: "a", qos: 1, id: 1 }, short), "TIMEOUT"],
    [connection.unsubscribe("a", short), "TIMEOUT"],
    [connection.ping(short), "TIMEOUT"],
  ];
  const codes = rows.map(([call]) => call.catch(({ code }: MqttSmcpError) => code));
  assertEquals(await Promise.all(codes), rows.map(([_call, code]) => code));
  assertEquals(connection.failure, undefined);
  await connection.close(100);
});

Deno.test("the broker's receive maximum is held, and a caller's patience has an end", async () => {
  const acknowledge = Promise.withResolvers<void>();
  let [open_, most] = [0, 0];
  await using broker = startScriptedBroker({
    async onPacket(packet, it) {
      if (packet.cmd !== "publish") {
        const script = obliging({ connackProperties: { receiveMaximum: 2 } });
        return await script.onPacket?.(packet, it);
      }
      most = Math.max(most, ++open_);
      await acknowledge.promise;
      open_--;
      await it.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
    },
  });
  const connection = await open({ MQTT_PORT: broker.port });
  const calls = Array.from({ length: 20 }, () => connection.publish(outbound("t", 1), bound));
  const peer = await broker.connections.next();
  await peer.next("publish");
  await peer.next("publish");
  const impatient = await assertRejects(
    () => connection.publish(outbound("t", 1), { clock: systemClock, ms: 30 }),
    MqttSmcpError,
    "nothing was sent",
  );
  assertEquals(impatient.code, "BUSY");
  const abort = new AbortController();
  const cancelled = assertRejects(
    () => connection.publish(outbound("t", 1), { ...bound, signal: abort.signal }),
    MqttSmcpError,
    "cancelled",
  );
  abort.abort();
  await cancelled;
  acknowledge.resolve();
  await Promise.all(calls);
  assertEquals(most, 2);
  assertEquals(peer.packets.all.filter(({ cmd }) => cmd === "publish").length, 20);
  await connection.close(500);
});

Deno.test("a slot is held until the acknowledgement, not until the caller gives up", async () => {
  await using broker = startScriptedBroker(
    obliging({ publishCode: () => null, connackProperties: { receiveMaximum: 1 } }),
  );
  const connection = await open({ MQTT_PORT: broker.port });
  const short = { clock: systemClock, ms: 30 };
  const first = await assertRejects(
    () => connection.publish(outbound("t", 1), short),
    MqttSmcpError,
  );
  const second = await assertRejects(
    () => connection.publish(outbound("t", 1), short),
    MqttSmcpError,
  );
  assertEquals([first.code, second.code], ["OUTCOME_UNKNOWN", "BUSY"]);
  const peer = await broker.connections.next();
  const { messageId = 0 } = await peer.next("publish");
  await peer.send({ cmd: "puback", messageId, reasonCode: 0 });
  await connection.ping(bound);
  const third = await assertRejects(
    () => connection.publish(outbound("t", 1), short),
    MqttSmcpError,
  );
  assertEquals(third.code, "OUTCOME_UNKNOWN");
  await connection.close(100);
});

Deno.test("reason codes of acknowledgements arrive for QoS 1 and 2", async () => {
  for (const code of [0, 0x10, 0x80, 0x87, 0x97, 0x99]) {
    await using broker = startScriptedBroker(obliging({ publishCode: () => code }));
    const connection = await open({ MQTT_PORT: broker.port });
    for (const qos of [1, 2] as const) {
      const { reasonCode } = await connection.publish(outbound("t", qos), bound);
      assertEquals(reasonCode, code, `QoS ${qos}`);
    }
    // A refusal of one message is no reason to end the connection.
    assertEquals((await connection.publish(outbound("t", 1), bound)).reasonCode, code);
    assertEquals(connection.failure, undefined);
    await connection.close(500);
  }
});

Deno.test("a refused subscription gives its code and leaves the connection alone", async () => {
  for (const [version, code] of [["5", 0x87], ["5", 0x8f], ["3.1.1", 0x80]] as const) {
    await using broker = startScriptedBroker(
      obliging({ subscribeCode: (filter, qos) => filter === "no" ? code : qos }),
    );
    const connection = await open({ MQTT_PORT: broker.port }, { version });
    assertEquals(await connection.subscribe({ filter: "no", qos: 1, id: 1 }, bound), code);
    assertEquals(await connection.subscribe({ filter: "yes", qos: 2, id: 2 }, bound), 2);
    assertEquals(connection.failure, undefined);
    await connection.close(500);
  }
});

Deno.test("a DISCONNECT of the broker is the cause of everything that ends with it", async () => {
  for (
    const [reasonCode, wanted] of [
      [0x8e, "CLIENT_ID_TAKEN_OVER"],
      [0x8b, "BROKER_DISCONNECTED"],
      [0x87, "NOT_AUTHORIZED"],
    ] as const
  ) {
    await using broker = startScriptedBroker(obliging());
    const connection = await open({ MQTT_PORT: broker.port });
    const peer = await broker.connections.next();
    await peer.send({ cmd: "disconnect", reasonCode });
    peer.drop();
    const cause = await within(
      5_000,
      "the end",
      new Promise<MqttSmcpError>((resolve) => connection.onEnd(resolve)),
    );
    assertEquals(cause.code, wanted);
  }
});

Deno.test("bytes that are not MQTT end a standing connection with that as the cause", async () => {
  await using broker = startScriptedBroker(obliging());
  const connection = await open({ MQTT_PORT: broker.port });
  const peer = await broker.connections.next();
  await peer.sendBytes(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
  const cause = await within(
    5_000,
    "the end",
    new Promise<MqttSmcpError>((resolve) => connection.onEnd(resolve)),
  );
  assertEquals(cause.code, "BROKER_DISCONNECTED");
});

Deno.test("a broker that stops answering is noticed by the keep alive", async () => {
  await using broker = startScriptedBroker(obliging({ pings: false }));
  const connection = await open({ MQTT_PORT: broker.port, MQTT_KEEPALIVE: 1 });
  const cause = await within(
    5_000,
    "the end",
    new Promise<MqttSmcpError>((resolve) => connection.onEnd(resolve)),
  );
  assertEquals(cause.code, "KEEPALIVE_TIMEOUT");
});

Deno.test("a small message does not keep the large buffer alive that it came in", async () => {
  await using broker = await startAedes();
  const arrived = Promise.withResolvers<InboundMessage>();
  const connection = await open({ MQTT_PORT: broker.port }, {
    version: "3.1.1",
    onMessage: (it) => arrived.resolve(it),
  });
  await connection.subscribe({ filter: "t", qos: 0, id: 1 }, bound);
  await broker.publish("t", "small");
  const { payload } = await within(5_000, "the message", arrived.promise);
  assert(payload.buffer.byteLength < 4_096, `${payload.buffer.byteLength} bytes held for 5`);
  await connection.close(500);
});

Deno.test({
  name: "Mosquitto names the take-over of a client id, and hears DISCONNECT at the end",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using broker = await startMosquitto();
    const place = { MQTT_PORT: broker.port, MQTT_CLIENT_ID: "twin" };
    const connection = await open(place);
    const ended = new Promise<MqttSmcpError>((resolve) => connection.onEnd(resolve));
    await using _twin = await connectPeer(`mqtt://127.0.0.1:${broker.port}`, { clientId: "twin" });
    const { code, hint = "" } = await within(5_000, "the end", ended);
    // Mosquitto before 2.0.12 closes without the DISCONNECT that would tell.
    assert(code === "CLIENT_ID_TAKEN_OVER" || hint.includes("MQTT_CLIENT_ID"), `${code} ${hint}`);
    const other = await open({ MQTT_PORT: broker.port, MQTT_CLIENT_ID: "leaver" });
    await other.close(1_000);
    await broker.log.find((line) => line.includes("Received DISCONNECT from leaver"));
  },
});
