import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startAedes } from "./support/aedes.ts";
import { makeCertificates } from "./support/certificates.ts";
import { within } from "./support/inbox.ts";
import { callTool, sdkClient } from "./support/sdk_client.ts";
import {
  credentialsFor,
  ROOT,
  serverCommand,
  spawnServer,
  testEachKind,
} from "./support/server_process.ts";
import { requireOrIgnore } from "./support/tools.ts";

const README = await Deno.readTextFile(`${ROOT}README.md`);

/** Milliseconds for one of the README's programs, its modules' type check included. */
const EXAMPLE_MS = 60_000;

/** The code block that follows the mark of this name. */
function example(name: string): string {
  const [, code] = README.match(
    new RegExp(`<!-- example: ${name} -->\\s+\`\`\`\\w+\\n([\\s\\S]*?)\n\`\`\``),
  ) ?? [];
  assert(code !== undefined, `the README has no example ${name}`);
  return code;
}

/** The README's transcript, each line with its continuations joined: who speaks, and what. */
function transcript(): [speaker: "->" | "<-", line: string][] {
  const [, block] = README.match(/```text\n(<- \+READY\n[\s\S]*?)\n```/) ?? [];
  assert(block !== undefined, "the README has no transcript");
  return block.replaceAll(/\n {4}/g, "").split("\n").map((line) => {
    assertMatch(line, /^(->|<-) /);
    return [line.slice(0, 2) as "->" | "<-", line.slice(3)];
  });
}

/** Matches the line, of which `…` leaves something out. */
function pattern(line: string): RegExp {
  const parts = line.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

/** Runs one of the README's parents on the server, and asserts that it did what it should. */
async function assertParentWorks(
  name: string,
  command: (file: string) => [program: string, ...args: string[]],
): Promise<void> {
  await using broker = await startAedes({ authenticate: USER });
  const folder = await Deno.makeTempDir({ prefix: "mqtt-smcp-readme-" });
  try {
    const file = `${folder}/${name}`;
    await Deno.writeTextFile(file, example(name));
    const [program, ...args] = command(file);
    const child = new Deno.Command(program, {
      args: [...args, ...serverCommand("source")],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(EXAMPLE_MS),
    }).spawn();
    const { username: MQTT_USER, password: MQTT_PASS } = USER;
    const credentials = credentialsFor(broker, { MQTT_USER, MQTT_PASS });
    await new Blob([JSON.stringify(credentials)]).stream().pipeTo(child.stdin);
    const { code, stdout, stderr } = await within(EXAMPLE_MS, name, child.output());
    const said = new TextDecoder().decode(stdout);
    assertEquals(code, 0, said + new TextDecoder().decode(stderr));
    assertMatch(said, /'?"?success'?"?: (True|true)/);
    const published = await broker.saw("publish");
    assertEquals([published.topic, published.payload.toString()], ["lamp/set", "on"]);
    await broker.saw("disconnect");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const USER = { username: "agent", password: "correct horse" };

Deno.test({
  name: "the README's parent in Python works",
  ignore: requireOrIgnore("python3"),
  fn: () => assertParentWorks("parent.py", (file) => ["python3", file]),
});

Deno.test("the README's parent in TypeScript works", async () => {
  const flags = ["--quiet", "--check", "--no-config", "--no-lock", "--allow-run", "--allow-env"];
  await assertParentWorks("parent.ts", (file) => [Deno.execPath(), "run", ...flags, file]);
});

Deno.test("the README's transcript is what the server says", async () => {
  await using broker = await startAedes();
  await using server = spawnServer();
  for (const [speaker, line] of transcript()) {
    if (speaker === "<-") assertMatch(await server.lines.next(), pattern(line));
    else if (line.includes("MQTT_BROKER")) await server.writeJson(credentialsFor(broker));
    else await server.write(`${line}\n`);
  }
  await server.closeInput();
  assertEquals((await server.exited()).code, 0);
});

Deno.test("the README's set-up commands are there to the letter", () => {
  assertStringIncludes(README, "\nnpx --yes deno@2.9.6 task demo\n");
  assertStringIncludes(README, "\nnpx --yes deno@2.9.6 task test\n");
});

testEachKind(
  "DENO_CERT adds an authority without permission, as the README warns",
  async (kind) => {
    await using certificates = await makeCertificates();
    await using broker = await startAedes({ tls: certificates.server });
    const outcome = async (env: Record<string, string>): Promise<unknown> => {
      await using server = spawnServer({ kind, env });
      const credentials = { MQTT_BROKER: "localhost", MQTT_PORT: broker.port, MQTT_TLS: true };
      const client = await sdkClient(server, credentials);
      const { data } = await callTool(client, "publish", { topic: "a", message: "b" });
      return data.success || data.code;
    };
    assertEquals(await outcome({}), "TLS_UNTRUSTED");
    assertEquals(await outcome({ DENO_CERT: certificates.ca.certFile }), true);
  },
);

testEachKind("SSLKEYLOGFILE is obeyed without permission, as the README warns", async (kind) => {
  await using certificates = await makeCertificates();
  await using broker = await startAedes({ tls: certificates.server });
  const file = `${certificates.folder}/keys`;
  await using server = spawnServer({ kind, env: { SSLKEYLOGFILE: file } });
  const client = await sdkClient(server, {
    MQTT_BROKER: "localhost",
    MQTT_PORT: broker.port,
    MQTT_TLS: true,
    MQTT_CA: certificates.ca.cert,
  });
  const { data } = await callTool(client, "publish", { topic: "a", message: "b" });
  assertEquals(data.success, true);
  await server.closeInput();
  await server.exited();
  assert((await Deno.stat(file)).isFile);
});
