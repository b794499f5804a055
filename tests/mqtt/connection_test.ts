import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { MqttSmcpError } from "../../src/errors.ts";
import type { InboundMessage } from "../../src/mqtt/packets.ts";
import { startAedes } from "../support/aedes.ts";
import { within } from "../support/inbox.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { bound, open, outbound } from "./open.ts";

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

Deno.test("a DISCONNECT of the broker is the cause of everything that ends with it", async () => {
  for (
    const [reasonCode, wanted] of [
      [0x8e, "CLIENT_ID_TAKEN_OVER"],
      [0x8b, "BROKER_DISCONNECTED"],
      [0x87, "BROKER_DISCONNECTED"],
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
