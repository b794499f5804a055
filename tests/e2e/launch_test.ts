import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { type AedesBroker, startAedes } from "../support/aedes.ts";
import { hatchCanaries } from "../support/canaries.ts";
import { LAUNCHER, spawnLauncher } from "../support/launcher.ts";
import { callTool, ProcessTransport } from "../support/sdk_client.ts";
import {
  compiledBinary,
  credentialsFor,
  ignoreKind,
  type ServerProcess,
} from "../support/server_process.ts";

const ignore = Deno.build.os === "windows" || ignoreKind("compiled");

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

/** The launcher's options for the compiled server and credentials in a file, as `cat` prints it. */
class CredentialFile implements AsyncDisposable {
  readonly #path = Deno.makeTempFileSync();
  /** Options for the launcher; the credentials themselves are not among them. */
  readonly options: string[];

  constructor(text: string) {
    Deno.writeTextFileSync(this.#path, text);
    const command = `cat '${this.#path}'`;
    this.options = ["--credentials-command", command, "--server", compiledBinary()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#path);
  }
}

/** The official client, on a launcher that the official transport has started. */
async function connect(file: CredentialFile): Promise<{ client: Client; pid: number }> {
  const [command, ...args] = LAUNCHER;
  const transport = new StdioClientTransport({
    command,
    args: [...args, ...file.options],
    stderr: "ignore",
  });
  const client = new Client({ name: "test-host", version: "1.0.0" });
  await client.connect(transport);
  return { client, pid: transport.pid ?? 0 };
}

/** After which the server is surely connected to its broker. */
async function publishThrough(launcher: ServerProcess): Promise<void> {
  const client = new Client({ name: "test-host", version: "1.0.0" });
  await client.connect(new ProcessTransport(launcher));
  const { data } = await callTool(client, "publish", { topic: "a", message: "b" });
  assertEquals(data.success, true);
}

function lines(credentials: Record<string, unknown>): string {
  return Object.entries(credentials).map(([key, value]) => `${key}=${value}\n`).join("");
}

async function assertDisconnects(broker: AedesBroker, leave: () => unknown): Promise<void> {
  await leave();
  await broker.saw("disconnect");
}

test("an official MCP client uses the compiled server through the launcher", async () => {
  await using broker = await startAedes();
  await broker.publish("lamp/state", "on", { retain: true });
  await using file = new CredentialFile(lines(credentialsFor(broker)));
  const { client } = await connect(file);
  const names = (await client.listTools()).tools.map(({ name }: { name: string }) => name);
  for (const name of ["publish", "subscribe", "get_retained"]) assert(names.includes(name));
  const sent = await callTool(client, "publish", { topic: "lamp/set", message: "off" });
  assertEquals(sent.data.success, true);
  await broker.saw("publish", ({ topic }) => topic === "lamp/set");
  const kept = await callTool(client, "get_retained", { topic: "lamp/state" });
  assertEquals((kept.data.messages as { payload: string }[])[0]?.payload, "on");
  await assertDisconnects(broker, () => client.close());
});

test("SIGTERM to the launcher disconnects the server from the broker", async () => {
  await using broker = await startAedes();
  await using file = new CredentialFile(JSON.stringify(credentialsFor(broker)));
  await using launcher = spawnLauncher(file.options);
  await publishThrough(launcher);
  await assertDisconnects(broker, () => launcher.signal("SIGTERM"));
  assertEquals((await launcher.exited()).code, 0);
});

test("the end of a killed launcher is the end of its server", async () => {
  await using broker = await startAedes();
  await using file = new CredentialFile(lines(credentialsFor(broker)));
  await using launcher = spawnLauncher(file.options);
  await publishThrough(launcher);
  await assertDisconnects(broker, () => launcher.signal("SIGKILL"));
});

test("a wrong credential is told by the server's own reason", async () => {
  const { login } = hatchCanaries();
  const credentials = { MQTT_BROKER: "localhost", MQTT_PORT: 99_999, ...login };
  await using file = new CredentialFile(lines(credentials));
  await using launcher = spawnLauncher(file.options);
  assertEquals((await launcher.exited()).code, 1);
  assertEquals(launcher.stdoutText, "");
  assertStringIncludes(launcher.stderrText, "INVALID_CREDENTIAL MQTT_PORT: must be an integer");
});

Deno.test({
  name: "no secret is among the arguments or in the environment of launcher and server",
  ignore: ignore || Deno.build.os !== "linux",
  fn: async () => {
    const canaries = hatchCanaries();
    const { login } = canaries;
    await using broker = await startAedes({
      authenticate: { username: login.MQTT_USER, password: login.MQTT_PASS },
    });
    await using file = new CredentialFile(lines(credentialsFor(broker, login)));
    const { client, pid } = await connect(file);
    await broker.saw("connect");
    const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    const server = Number(children);
    assertGreater(server, 0, `one child was expected, not '${children}'`);
    for (const process of [pid, server]) {
      const [cmdline = "", environ = ""] = await Promise.all(
        ["cmdline", "environ"].map((name) => Deno.readTextFile(`/proc/${process}/${name}`)),
      );
      canaries.assertAbsent({ cmdline, environ });
      if (process === server) assertEquals({ environ }, { environ: "" });
    }
    await client.close();
  },
});

test("a result of 1 MB passes to a host that is in no hurry", async () => {
  await using broker = await startAedes();
  await using file = new CredentialFile(
    lines(credentialsFor(broker, { MQTT_MAX_RESULT_CHARS: 2_000_000 })),
  );
  await broker.publish("big", "x".repeat(1_000_000), { retain: true });
  const { client } = await connect(file);
  const { data } = await callTool(client, "get_retained", { topic: "big", timeout: 20 });
  const [message] = data.messages as { payload: string }[];
  assertEquals(message?.payload.length, 1_000_000);
  await client.close();
});
