import { assertEquals, assertLess } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { obliging, type ScriptedBroker, startScriptedBroker } from "../support/scripted_broker.ts";
import { handshake } from "../support/sdk_client.ts";
import {
  credentialsFor,
  ROOT,
  serverCommand,
  type ServerKind,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";
import { INITIALIZE, initialize } from "./lines.ts";
import { amount, report } from "./support.ts";

/** Milliseconds until a server without a parent must be gone. */
const GONE_MS = 1_000;

/** Says to the broker that the connection stands, for both sides. */
const HERE = call("here", "publish", { topic: "here", message: "m", qos: 0 });
const PING = { jsonrpc: "2.0", id: 7, method: "ping" };

/** What the server does as its parent dies; `deaf` parents do not read what it says. */
const STATES: Readonly<Record<string, { deaf?: true; lines: readonly unknown[] }>> = {
  idle: { lines: [] },
  "in the middle of a long wait": {
    lines: [call(1, "subscribe", { topic: "#", timeout: 300 })],
  },
  "with 100 publishes in flight": {
    lines: Array.from({ length: 100 }, (_, i) => call(i, "publish", { topic: "t", message: "m" })),
  },
  // 40 lists of the tools are more than the pipe holds.
  "blocked, as its parent does not read": {
    deaf: true,
    lines: Array.from({ length: 40 }, (_, id) => ({ jsonrpc: "2.0", id, method: "tools/list" })),
  },
};

for (const [state, { deaf, lines }] of Object.entries(STATES)) {
  testEachKind(
    `a parent that is killed leaves no server behind: ${state}`,
    async (kind) => {
      let slowest = 0;
      for (let round = 0; round < amount(5, 1); round++) {
        await using broker = startScriptedBroker(obliging({ publishCode: () => null }));
        const { pid, parent } = await startParent(kind, broker, deaf === true, lines);
        await using _ = parent;
        const connection = await broker.connections.next();
        await connection.next("publish");
        for (const line of lines) {
          const name = (line as { params?: { name?: string } }).params?.name;
          if (name === "publish" || name === "subscribe") await connection.next(name);
        }
        const start = performance.now();
        parent.kill();
        while (await exists(pid)) {
          assertLess(performance.now() - start, GONE_MS, `process ${pid} still runs`);
          await settle();
        }
        const ms = performance.now() - start;
        await connection.ended;
        assertEquals(connection.packets.all.at(-1)?.cmd, "disconnect");
        slowest = Math.max(slowest, ms);
      }
      report(4, `parent killed, ${state} (${kind}): gone in ${slowest.toFixed(0)} ms`);
    },
    { ignore: Deno.build.os !== "linux" },
  );
}

testEachKind(
  "a server whose stdout was closed is gone with the next answer that it cannot give",
  async (kind) => {
    let slowest = 0;
    for (let round = 0; round < amount(5, 1); round++) {
      await using broker = startScriptedBroker(obliging());
      await using server = spawnServer({ kind });
      await handshake(server, credentialsFor(broker));
      await initialize(server);
      await server.writeJson(HERE);
      const connection = await broker.connections.next();
      await connection.next("publish");
      await server.closeOutput();
      const start = performance.now();
      // The first answer may still find room in the pipe as it closes.
      await server.writeJson(PING);
      await server.writeJson(PING).catch(() => {});
      const { at } = await server.exited();
      await connection.ended;
      assertEquals(connection.packets.all.at(-1)?.cmd, "disconnect");
      slowest = Math.max(slowest, at - start);
      assertLess(at - start, GONE_MS);
    }
    report(4, `stdout closed (${kind}): gone ${slowest.toFixed(0)} ms after a request`);
  },
);

interface Parent extends AsyncDisposable {
  kill(): void;
}

/** Starts a parent of its own for the server, and gives the server's process id. */
async function startParent(
  kind: ServerKind,
  broker: ScriptedBroker,
  deaf: boolean,
  lines: readonly unknown[],
): Promise<{ pid: number; parent: Parent }> {
  const script = new URL("./parent.ts", import.meta.url).pathname;
  const flags = ["run", "--quiet", "--no-config", "--no-lock", "--allow-run"];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...flags, script, ...(deaf ? ["--deaf"] : []), ...serverCommand(kind)],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const kill = (): void => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has been killed already.
    }
  };
  const writer = child.stdin.getWriter();
  const reader = child.stdout.getReader();
  const parent: Parent = {
    kill,
    async [Symbol.asyncDispose](): Promise<void> {
      kill();
      await child.status;
      await reader.cancel();
      await writer.abort().catch(() => {});
    },
  };
  const credentials = credentialsFor(broker, { MQTT_VERSION: "3.1.1" });
  // One by one: the parent takes the first line for itself.
  await writer.write(new TextEncoder().encode(`${JSON.stringify(credentials)}\n`));
  const { value } = await reader.read();
  const all = [...INITIALIZE, HERE, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
  await writer.write(new TextEncoder().encode(all));
  return { pid: Number(new TextDecoder().decode(value)), parent };
}

/** Whether the process runs; one that has ended and was not waited for does not. */
async function exists(pid: number): Promise<boolean> {
  try {
    return !/^State:\s+Z/m.test(await Deno.readTextFile(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

function call(
  id: number | string,
  name: string,
  args: Record<string, unknown>,
): Record<string, unknown> {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } };
}
