import { assert, assertEquals } from "@std/assert";
import { compileProgram } from "../../scripts/compile/program.ts";
import { startAedes } from "../support/aedes.ts";
import { makeCertificates } from "../support/certificates.ts";
import { within } from "../support/inbox.ts";
import type { ProbeReport, ProbeTargets } from "../support/probe/attempts.ts";
import { startScriptedBroker } from "../support/scripted_broker.ts";
import { callTool, sdkClient } from "../support/sdk_client.ts";
import { compiledBinary, ignoreKind, ROOT } from "../support/server_process.ts";
import { placesOf, trace, writes } from "../support/strace.ts";
import { requireOrIgnore } from "../support/tools.ts";

const PROBE = "tests/support/probe";
const ignore = ignoreKind("compiled");

Deno.test({
  name: "the compiled binary was given network permission and no other",
  ignore,
  async fn() {
    // What `deno compile` wrote into the binary is what its runtime goes by.
    const bytes = await Deno.readFile(compiledBinary());
    const text = new TextDecoder("latin1").decode(bytes);
    const [, json] = /"permissions":(\{"allow_env"[^}]*\})/.exec(text) ?? [];
    assert(json !== undefined, "the binary holds no permissions");
    const { allow_net, allow_import: _, prompt, ...others } = JSON.parse(json);
    assertEquals({ allow_net, prompt }, { allow_net: [], prompt: false });
    const allowed = Object.entries(others).filter(([key, value]) =>
      key.startsWith("allow_") && value !== null
    );
    assertEquals(allowed, []);
  },
});

for (const kind of ["compiled", "source"] as const) {
  Deno.test({
    name: `code with the product's permissions reaches the broker and nothing else (${kind})`,
    ignore: kind === "compiled" && ignore,
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "mqtt-smcp-probe-" });
      try {
        const { confined, privileged, knocks } = await runProbe(kind, folder);
        assertEquals(knocks, 0);
        assertEquals(reached(confined), ["reach the broker"]);
        assertEquals(reached(privileged), []);
        assertEquals(await Array.fromAsync(Deno.readDir(folder), ({ name }) => name), ["readable"]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

for (
  const [scheme, secure, wsPath] of [
    ["mqtt", false, undefined],
    ["mqtts", true, undefined],
    ["ws", false, "/mqtt"],
    ["wss", true, "/mqtt"],
  ] as const
) {
  Deno.test({
    name: `the compiled binary writes no file and connects only to the broker, over ${scheme}`,
    ignore: ignore || requireOrIgnore("strace"),
    async fn() {
      await using certificates = await makeCertificates();
      const { server: tls, ca } = certificates;
      await using broker = await startAedes({
        ...(secure ? { tls } : {}),
        ...(wsPath === undefined ? {} : { wsPath }),
      });
      const calls = await trace(async (server) => {
        const client = await sdkClient(server, {
          MQTT_BROKER: "localhost",
          MQTT_PORT: broker.port,
          MQTT_TRANSPORT: wsPath === undefined ? "tcp" : "ws",
          LOG_LEVEL: "DEBUG",
          ...(secure ? { MQTT_TLS: true, MQTT_CA: ca.cert } : {}),
        });
        const { data } = await callTool(client, "publish", { topic: "a", message: "b" });
        assertEquals(data.success, true, String(data["error"]));
      });
      const programs = calls.filter((call) => /\bexecve(at)?\(.*= 0$/.test(call));
      assertEquals(programs.length, 1, programs.join("\n"));
      assertEquals(calls.filter(writes), []);
      assertEquals(placesOf(calls), [`127.0.0.1:${broker.port}`]);
    },
  });
}

/** Runs the probe against two listeners of this test; only one of them plays the broker. */
async function runProbe(
  kind: "compiled" | "source",
  folder: string,
): Promise<{ confined: ProbeReport; privileged: ProbeReport; knocks: number }> {
  await Deno.writeTextFile(`${folder}/readable`, "x");
  await using command = kind === "compiled" ? await compileProbe() : probeFromSource();
  using broker = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using other = startScriptedBroker();
  const targets: ProbeTargets = {
    host: "127.0.0.1",
    port: broker.addr.port,
    otherPort: other.port,
    folder,
  };
  const process = new Deno.Command(command.program, {
    args: command.args,
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${JSON.stringify(targets)}\n`));
  await writer.close();
  const { code, stdout, stderr } = await within(60_000, "the probe", process.output());
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const reports = JSON.parse(new TextDecoder().decode(stdout));
  return { ...reports, knocks: other.connections.all.length };
}

interface Probe extends AsyncDisposable {
  readonly program: string;
  readonly args: string[];
}

/** The probe, compiled by the very function that compiles the product. */
async function compileProbe(): Promise<Probe> {
  const folder = await Deno.makeTempDir({ prefix: "mqtt-smcp-probe-binary-" });
  const { path } = await compileProgram({
    entry: `${PROBE}/main.ts`,
    include: [`${PROBE}/worker.ts`],
    output: `${folder}/probe`,
  });
  return {
    program: path,
    args: [],
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The probe from source, which needs to read the worker's module. */
function probeFromSource(): Probe {
  const flags = ["--no-prompt", "--allow-net", `--allow-read=${ROOT}${PROBE}`];
  return {
    program: Deno.execPath(),
    args: ["run", ...flags, "--unstable-worker-options", `${ROOT}${PROBE}/main.ts`],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** What was not refused for want of permission. */
function reached(report: ProbeReport): string[] {
  return Object.entries(report).filter(([, outcome]) => outcome !== "refused")
    .map(([name, outcome]) => outcome === "done" ? name : `${name}: ${outcome}`);
}
