import { assertEquals } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { parseConfig } from "../../src/config.ts";
import { MqttSmcpError } from "../../src/errors.ts";
import { Logger } from "../../src/log.ts";
import { type Connection, openConnection } from "../../src/mqtt/connection.ts";
import type { ProtocolVersion } from "../../src/mqtt/packets.ts";
import { Subscriptions } from "../../src/mqtt/subscriptions.ts";
import { MemoryWriter } from "../support/byte_streams.ts";
import { settle } from "../support/fake_clock.ts";
import { within } from "../support/inbox.ts";
import {
  obliging,
  type ScriptedConnection,
  startScriptedBroker,
} from "../support/scripted_broker.ts";
import { brokerPacket, KINDS, mutate } from "./packets.ts";
import { amount, hex, randomFor, report, Uncaught } from "./support.ts";

const NEVER = new AbortController().signal;
const CONNECTIONS = amount(2_500, 300);
const PACKETS_EACH = 4;

function openTo(port: number, version: ProtocolVersion, ms: number, subscriptions?: Subscriptions) {
  const { config } = parseConfig({ MQTT_BROKER: "127.0.0.1", MQTT_PORT: port });
  return openConnection({
    endpoint: config,
    version,
    clock: systemClock,
    connectTimeoutMs: ms,
    onMessage: (message) => subscriptions?.received(message),
    trace: () => {},
  }, NEVER);
}

/** The code an action failed with; "" when it did not; anything else that is thrown is a bug. */
async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return "";
  } catch (error) {
    if (error instanceof MqttSmcpError) return error.code;
    throw error;
  }
}

Deno.test("broken packets by the thousand crash nothing and end no wait without a named cause", async () => {
  const random = randomFor("packets");
  using uncaught = new Uncaught();
  const crashes = new Map<string, string>();
  const log = new Logger({ sink: new MemoryWriter(), level: "ERROR" });
  const fresh = () => new Subscriptions({ clock: systemClock, log, mayDeliver: () => true });
  let subscriptions = fresh();
  const heap: number[] = [];
  let sent: Uint8Array[] = [];
  let onConnack: (connection: ScriptedConnection) => Promise<void> = () => Promise.resolve();
  const answers = obliging();
  await using broker = startScriptedBroker({
    async onPacket(packet, connection) {
      if (packet.cmd === "connect") return await onConnack(connection);
      if (packet.cmd === "publish") return;
      await answers.onPacket?.(packet, connection);
    },
  });
  for (let i = 0; i < CONNECTIONS; i++) {
    const version: ProtocolVersion = i % 2 === 0 ? "5" : "3.1.1";
    const wire = version === "5" ? 5 : 4;
    // Restoring what stood before waits for bursts, which is slow: not every time.
    if (i % 20 !== 0) subscriptions = fresh();
    const badConnack = random.chance(0.15);
    const connack = brokerPacket("connack", wire, random);
    sent = badConnack ? [mutate(connack, random)] : [];
    while (sent.length < PACKETS_EACH) {
      const packet = brokerPacket(random.pick(KINDS), wire, random);
      sent.push(mutate(packet, random));
    }
    const bytes = new Uint8Array(sent.flatMap((packet) => [...packet]));
    onConnack = async (connection) => {
      if (badConnack) {
        await connection.sendBytes(bytes);
        connection.drop();
      } else await connection.sendBytes(connack);
    };
    const opening = openTo(broker.port, version, 2_000, subscriptions);
    const code = await codeOf(within(5_000, `attempt ${i}`, opening));
    if (code === "") await use(await opening, bytes);
    await settle();
    if (i % (CONNECTIONS / 5) === CONNECTIONS / 5 - 1) {
      heap.push(Math.round(Deno.memoryUsage().heapUsed / 2 ** 20));
    }
    for (const error of uncaught.errors.splice(0)) {
      const key = error.split("\n").slice(0, 3).join(" | ");
      if (!crashes.has(key)) {
        crashes.set(key, `v${version} ${badConnack ? "connack" : ""} ${sent.map(hex).join(" ")}`);
      }
    }
  }
  report(
    11,
    `${CONNECTIONS * PACKETS_EACH} broken packets: heap after each fifth: ${heap.join(", ")} MiB`,
  );
  assertEquals([...crashes], [], `seed ${random.seed}`);

  async function use(connection: Connection, bytes: Uint8Array): Promise<void> {
    const bound = { clock: systemClock, ms: 3_000 };
    const ended = new Promise<MqttSmcpError>((resolve) => connection.onEnd(resolve));
    await within(5_000, "restoring", Promise.race([subscriptions.connected(connection), ended]));
    const peer = broker.connections.all.at(-1);
    const message = { topic: "t", payload: new Uint8Array(1), qos: 1 as const, retain: false };
    const calls = [
      codeOf(connection.publish(message, bound)),
      codeOf(connection.publish({ ...message, qos: 2 }, bound)),
      codeOf(subscriptions.stand(
        { filter: "#", qos: 1, includeRetained: true },
        () => Promise.resolve(connection),
        bound,
      )),
      codeOf(connection.ping(bound)),
    ];
    await settle();
    await peer?.sendBytes(bytes);
    await settle();
    peer?.drop();
    await within(5_000, "the end", ended);
    await within(5_000, "the calls", Promise.all(calls));
    subscriptions.lost(await ended, Date.now());
  }
});

Deno.test("whatever comes in CONNACK's place, the attempt ends within the connect timeout", async () => {
  const random = randomFor("connack");
  using uncaught = new Uncaught();
  const timeout = 1_000;
  const late: string[] = [];
  const codes = new Set<string>();
  await using broker = startScriptedBroker({
    onPacket(packet, connection) {
      if (packet.cmd !== "connect") return;
      return connection.sendBytes(replies.get(packet.clientId) ?? new Uint8Array());
    },
  });
  const replies = new Map<string, Uint8Array>();
  const attempts = Array.from({ length: 600 }, async (_, i) => {
    const version: ProtocolVersion = i % 2 === 0 ? "5" : "3.1.1";
    const valid = brokerPacket("connack", version === "5" ? 5 : 4, random);
    const truncated = valid.subarray(0, random.int(0, valid.length - 1));
    const reply = [
      () => mutate(valid, random),
      () => truncated,
      () => random.bytes(random.int(1, 60)),
      () => Uint8Array.of(0x20, 0),
      () => Uint8Array.of(0x20, 1, 0),
    ][i % 7] ?? (() => mutate(valid, random));
    const bytes = reply();
    const clientId = `c${i}`;
    replies.set(clientId, bytes);
    const { config } = parseConfig({
      MQTT_BROKER: "127.0.0.1",
      MQTT_PORT: broker.port,
      MQTT_CLIENT_ID: clientId,
    });
    const opening = openConnection({
      endpoint: config,
      version,
      clock: systemClock,
      connectTimeoutMs: timeout,
      onMessage: () => {},
    }, NEVER);
    opening.then((connection) => connection.close(100), () => {});
    try {
      const code = await codeOf(within(timeout + 3_000, "the attempt", opening));
      codes.add(code);
    } catch {
      late.push(`v${version} ${hex(bytes)}`);
    }
  });
  await Promise.all(attempts);
  const named = [...codes].filter((code) => code !== "").sort();
  report(11, `600 broken replies to CONNECT: ${named.join(", ")}, or taken for a CONNACK`);
  assertEquals(
    [late.slice(0, 20), uncaught.errors],
    [[], []],
    `seed ${random.seed}; late: ${late.length}`,
  );
});
