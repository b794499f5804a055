import { assertEquals, assertLess } from "@std/assert";
import { type AedesBroker, startAedes } from "../support/aedes.ts";
import { freePort } from "../support/ports.ts";
import { settle } from "../support/fake_clock.ts";
import { startScriptedBroker } from "../support/scripted_broker.ts";
import { callTool, handshake, sdkClient } from "../support/sdk_client.ts";
import {
  credentialsFor,
  HAS_SIGNALS,
  type ServerProcess,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";
import { StrictParent } from "../support/strict_parent.ts";

/** Far above the 100 ms that are promised: those are for the benchmark, on a quiet machine. */
const PROMPT_MS = 1_000;

/** The ways in which a parent takes leave. */
const LEAVES: Readonly<Record<string, (server: ServerProcess) => unknown>> = {
  "end of stdin": (server) => server.closeInput(),
  SIGTERM: (server) => server.signal("SIGTERM"),
  SIGINT: (server) => server.signal("SIGINT"),
};

async function assertPromptExit(server: ServerProcess, leave: string): Promise<void> {
  const start = performance.now();
  await LEAVES[leave]?.(server);
  const { code, signal, at } = await server.exited();
  assertEquals({ code, signal }, { code: 0, signal: null });
  assertLess(at - start, PROMPT_MS);
}

for (const leave of Object.keys(LEAVES)) {
  const ignore = !HAS_SIGNALS && leave.startsWith("SIG");

  testEachKind(`${leave} ends a server whose broker is not there`, async (kind) => {
    await using server = spawnServer({ kind });
    await handshake(server, credentialsFor({ hostname: "127.0.0.1", port: freePort() }));
    await assertPromptExit(server, leave);
  }, { ignore });

  testEachKind(`${leave} ends a server whose broker accepts and never answers`, async (kind) => {
    await using broker = startScriptedBroker();
    await using server = spawnServer({ kind });
    const client = await sdkClient(server, credentialsFor(broker));
    const call = client.callTool({ name: "publish", arguments: { topic: "a", message: "b" } });
    const connection = await broker.connections.next();
    await connection.next("connect");
    const settled = call.catch(() => {});
    await assertPromptExit(server, leave);
    await settled;
  }, { ignore });

  testEachKind(`${leave} disconnects from the broker with publishes in flight`, async (kind) => {
    await using broker = await startAedes();
    broker.onPublish = () => "ignore";
    await using server = spawnServer({ kind });
    const client = await sdkClient(server, credentialsFor(broker));
    const calls = Array.from(
      { length: 10 },
      (_, i) =>
        client.callTool({ name: "publish", arguments: { topic: `t/${i}`, message: "x" } })
          .catch(() => {}),
    );
    for (let i = 0; i < 10; i++) await broker.saw("publish", ({ topic }) => topic === `t/${i}`);
    await assertPromptExit(server, leave);
    await broker.saw("disconnect");
    assertEquals(broker.connects.filter(({ will }) => will !== undefined), []);
    await Promise.all(calls);
  }, { ignore });

  testEachKind(`${leave} ends a server in the middle of long waits`, async (kind) => {
    await using broker = await startAedes();
    await using server = spawnServer({ kind });
    const client = await sdkClient(server, credentialsFor(broker));
    const wait = client.callTool({ name: "subscribe", arguments: { topic: "#", timeout: 300 } })
      .catch(() => {});
    // The PINGREQ follows SUBACK: a broker that answered into a closed socket would lose what it has
    // not read yet, DISCONNECT included.
    await broker.saw("pingreq");
    await assertPromptExit(server, leave);
    await broker.saw("disconnect");
    await wait;
  }, { ignore });
}

testEachKind("a signal before the credentials ends the server at once", async (kind) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using server = spawnServer({ kind });
    await server.lines.next();
    const start = performance.now();
    server.signal(signal);
    const { code, at } = await server.exited();
    assertLess(at - start, PROMPT_MS);
    assertEquals({ signal, code, stdout: server.stdoutText }, {
      signal,
      code: 0,
      stdout: "+READY\n",
    });
  }
}, { ignore: !HAS_SIGNALS });

testEachKind("end of stdin right behind the credentials ends the server", async (kind) => {
  await using server = spawnServer({ kind });
  await server.lines.next();
  await server.writeJson(credentialsFor({ hostname: "127.0.0.1", port: freePort() }));
  await server.closeInput();
  assertEquals((await server.exited()).code, 0);
  assertEquals(server.stdoutText, "+READY\n+OK\n");
});

testEachKind("a request before the end of stdin is still answered", async (kind) => {
  await using server = spawnServer({ kind });
  await handshake(server, credentialsFor({ hostname: "127.0.0.1", port: freePort() }));
  await server.writeJson({ jsonrpc: "2.0", id: 1, method: "ping" });
  await server.closeInput();
  assertEquals(JSON.parse(await server.lines.next()).id, 1);
  assertEquals((await server.exited()).code, 0);
});

testEachKind("a closed stdout ends the server, with a DISCONNECT", async (kind) => {
  await using broker = await startAedes();
  await using server = spawnServer({ kind });
  await connected(server, broker);
  await server.closeOutput();
  // An answer may still fit into the pipe while it closes; the one after it cannot.
  const over = server.exited().then(() => true);
  for (let id = 100; !await Promise.race([over, settle()]); id++) {
    await server.writeJson({ jsonrpc: "2.0", id, method: "ping" }).catch(() => {});
  }
  await broker.saw("disconnect");
});

testEachKind("a parent that dies leaves no server behind", async (kind) => {
  await using broker = await startAedes();
  await using server = spawnServer({ kind });
  await connected(server, broker);
  await Promise.all([server.closeInput(), server.closeOutput()]);
  await server.exited();
  await broker.saw("disconnect");
});

testEachKind("the strict parent's stop needs no kill, in any state", async (kind) => {
  await using broker = await startAedes();
  broker.onPublish = (topic) => topic === "never" ? "ignore" : "accept";
  for (const state of ["idle", "used", "waiting"] as const) {
    await using parent = await StrictParent.start({ kind, credentials: credentialsFor(broker) });
    if (state === "used") await parent.callTool("publish", { topic: "a", message: "b" });
    if (state === "waiting") await callWithoutWaiting(parent);
    if (state === "waiting") await broker.saw("publish", ({ topic }) => topic === "never");
    const { exit, killed } = await parent.stop();
    assertEquals({ state, killed, code: exit.code }, { state, killed: false, code: 0 });
  }
});

testEachKind("a server that was killed has no DISCONNECT to its name", async (kind) => {
  // The contrast to the tests above: it shows that they could fail.
  await using broker = await startAedes();
  await using server = spawnServer({ kind });
  await connected(server, broker);
  server.signal("SIGKILL");
  await broker.ended.next();
  assertEquals(broker.packets.all.filter(({ packet }) => packet.cmd === "disconnect"), []);
});

/** Does the handshake and one publish, after which the connection is surely open. */
async function connected(server: ServerProcess, broker: AedesBroker): Promise<void> {
  const client = await sdkClient(server, credentialsFor(broker, { MQTT_VERSION: "3.1.1" }));
  assertEquals(
    (await callTool(client, "publish", { topic: "a", message: "b" })).data.success,
    true,
  );
}

async function callWithoutWaiting(parent: StrictParent): Promise<void> {
  await parent.process.writeJson({
    jsonrpc: "2.0",
    id: 1_000,
    method: "tools/call",
    params: { name: "publish", arguments: { topic: "never", message: "x" } },
  });
}
