import { assertEquals, assertLess } from "@std/assert";
import { makeCertificates } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import {
  obliging,
  type Script,
  type ScriptedBroker,
  startScriptedBroker,
} from "../support/scripted_broker.ts";
import { handshake } from "../support/sdk_client.ts";
import {
  credentialsFor,
  type ServerProcess,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";
import { initialize } from "./lines.ts";
import { amount, median, report } from "./support.ts";

const IN_FLIGHT = 100;
/** The parent kills after this time. */
const MARK_MS = 100;
/** For one exit on a machine that does other things as well. */
const SLOWEST_MS = 1_000;

const LEAVES: Readonly<Record<string, (server: ServerProcess) => unknown>> = {
  "end of stdin": (server) => server.closeInput(),
  SIGTERM: (server) => server.signal("SIGTERM"),
  SIGINT: (server) => server.signal("SIGINT"),
};

/** Leaves a server that is in some state, several times; gives how long each exit took. */
async function leave(
  how: string,
  rounds: number,
  bring: () => Promise<{ server: ServerProcess; after: () => Promise<void> }>,
): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { server, after } = await bring();
    await using _ = server;
    const start = performance.now();
    await LEAVES[how]?.(server);
    const { code, signal, at } = await server.exited();
    assertEquals({ code, signal }, { code: 0, signal: null });
    times.push(at - start);
    await after();
  }
  return times;
}

/** Checks the marks. The median, since one exit in many meets a busy machine. */
function assertPrompt(what: string, times: readonly number[]): void {
  assertLess(median(times), MARK_MS, what);
  assertLess(Math.max(...times), SLOWEST_MS, what);
}

function reportAll(what: string, times: readonly number[]): void {
  report(
    3,
    `${what}: ${times.length} exits, ${median(times).toFixed(0)} ms in the median, at most ${
      Math.max(...times).toFixed(0)
    } ms`,
  );
}

/** DISCONNECT with reason 0 came last, by which a broker drops a will; and there was none to drop. */
async function assertTookLeave(broker: ScriptedBroker): Promise<void> {
  const connection = broker.connections.all.at(-1);
  await connection?.ended;
  const packets = connection?.packets.all ?? [];
  const last = packets.at(-1);
  assertEquals([last?.cmd, last?.cmd === "disconnect" ? last.reasonCode ?? 0 : 0], [
    "disconnect",
    0,
  ]);
  const [connect] = packets;
  assertEquals(connect?.cmd === "connect" && connect.will === undefined, true);
}

testEachKind("a server that is idle takes leave of its broker and is gone", async (kind) => {
  const all: number[] = [];
  for (const version of ["5", "3.1.1"]) {
    for (const how of Object.keys(LEAVES)) {
      await using broker = startScriptedBroker(obliging());
      const times = await leave(how, amount(5, 1), async () => {
        const server = spawnServer({ kind });
        await handshake(server, credentialsFor(broker, { MQTT_VERSION: version }));
        await initialize(server);
        await (await broker.connections.next()).next("connect");
        // Answered only once the connection stands.
        await callAndWait(server, "publish", { topic: "t", message: "m" });
        return { server, after: () => assertTookLeave(broker) };
      });
      assertPrompt(`idle, MQTT ${version}, ${how} (${kind})`, times);
      all.push(...times);
    }
  }
  reportAll(`idle (${kind})`, all);
});

testEachKind("100 publishes in flight do not hold a server up", async (kind) => {
  const all: number[] = [];
  for (const version of ["5", "3.1.1"]) {
    for (const how of Object.keys(LEAVES)) {
      await using broker = startScriptedBroker(obliging({ publishCode: () => null }));
      const times = await leave(how, amount(5, 1), async () => {
        const server = spawnServer({ kind });
        await handshake(server, credentialsFor(broker, { MQTT_VERSION: version }));
        await initialize(server);
        const connection = await broker.connections.next();
        for (let i = 0; i < IN_FLIGHT; i++) {
          await server.writeJson(call(i, "publish", { topic: "t", message: `${i}` }));
        }
        for (let i = 0; i < IN_FLIGHT; i++) await connection.next("publish");
        return { server, after: () => assertTookLeave(broker) };
      });
      assertPrompt(`100 publishes in flight, MQTT ${version}, ${how} (${kind})`, times);
      all.push(...times);
    }
  }
  reportAll(`100 publishes in flight (${kind})`, all);
});

/** Ways in which a connection is never made. */
const CONNECTING: Readonly<Record<string, Script | undefined>> = {
  "nothing listens": undefined,
  "no CONNACK": {},
  "no TLS handshake": {},
};

testEachKind("a server that is still connecting is gone as soon", async (kind) => {
  await using certificates = await makeCertificates();
  const all: number[] = [];
  for (const [state, script] of Object.entries(CONNECTING)) {
    const tls = state === "no TLS handshake"
      ? { MQTT_TLS: true, MQTT_CA: certificates.ca.cert }
      : {};
    for (const how of Object.keys(LEAVES)) {
      await using broker = script === undefined ? undefined : startScriptedBroker(script);
      const place = broker ?? { hostname: "127.0.0.1", port: freePort() };
      const times = await leave(how, amount(3, 1), async () => {
        const server = spawnServer({ kind });
        await handshake(server, credentialsFor(place, tls));
        await initialize(server);
        await server.writeJson(call(1, "publish", { topic: "t", message: "m" }));
        await broker?.connections.next();
        return { server, after: () => Promise.resolve() };
      });
      assertPrompt(`connecting, ${state}, ${how} (${kind})`, times);
      all.push(...times);
    }
  }
  reportAll(`connecting: ${Object.keys(CONNECTING).join(", ")} (${kind})`, all);
});

function call(id: number, name: string, args: Record<string, unknown>): Record<string, unknown> {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } };
}

async function callAndWait(
  server: ServerProcess,
  name: string,
  args: Record<string, unknown>,
): Promise<void> {
  await server.writeJson(call(1, name, args));
  await server.lines.find((line) => line.startsWith("{") && JSON.parse(line).id === 1);
}
