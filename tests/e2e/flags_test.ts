import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { CREDENTIALS } from "../../src/config.ts";
import {
  serverCommand,
  type ServerKind,
  spawnCommand,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";
import { requireOrIgnore } from "../support/tools.ts";

/** What the server says when it is started with arguments, and how it ends. */
async function run(
  kind: ServerKind,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using server = spawnServer({ kind, args });
  const { code } = await server.exited();
  return { code, stdout: server.stdoutText, stderr: server.stderrText };
}

testEachKind("--help names the required credential and every flag, and exits 0", async (kind) => {
  const { code, stdout } = await run(kind, "--help");
  assertEquals(code, 0);
  for (const { key } of CREDENTIALS.filter(({ required }) => required)) {
    assertStringIncludes(stdout, key);
  }
  for (const flag of ["--help", "--version", "--credentials-schema"]) {
    assertStringIncludes(stdout, flag);
  }
  assert(!stdout.startsWith("+READY"));
});

testEachKind("--version prints the version, and exits 0", async (kind) => {
  const { code, stdout } = await run(kind, "--version");
  assertEquals(code, 0);
  assertMatch(stdout, /^.*\b\d+\.\d+\.\d+.*\n$/);
  assertStringIncludes(stdout, config.version);
});

testEachKind("--credentials-schema prints each key's description as JSON", async (kind) => {
  const { code, stdout } = await run(kind, "--credentials-schema");
  assertEquals(code, 0);
  const { required, optional, ...others } = JSON.parse(stdout);
  assertEquals(others, {});
  assertEquals(Object.keys(required), ["MQTT_BROKER"]);
  const keys = CREDENTIALS.map(({ key }) => key).sort();
  assertEquals([...Object.keys(required), ...Object.keys(optional)].sort(), keys);
  for (const description of Object.values({ ...required, ...optional })) {
    assert(typeof description === "string" && description.length > 3);
  }
});

testEachKind("--insecure is refused with the reason", async (kind) => {
  const { code, stdout, stderr } = await run(kind, "--insecure");
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "--insecure");
  assertStringIncludes(stderr, "environment");
});

testEachKind("any other argument ends in exit 2 and is not echoed", async (kind) => {
  for (
    const args of [["hunter2"], ["--password=hunter2"], ["--help", "hunter2"], ["-h", "hunter2"]]
  ) {
    const { code, stdout, stderr } = await run(kind, ...args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assert(!stderr.includes("hunter2") && stderr.length > 0);
  }
});

testEachKind("started from a terminal, a hint says that a parent is expected", async (kind) => {
  // Linux's script(1) runs its command on a terminal of its own, where stdout and stderr are one.
  const command = serverCommand(kind).join(" ");
  const terminal = ["script", "--quiet", "--return", "--command", command, "/dev/null"];
  await using process = spawnCommand(terminal, kind);
  const hint = await process.lines.find((line) => line.includes("SMCP parent"));
  assertStringIncludes(hint, "--help");
  await process.lines.find((line) => line.includes("+READY"));
}, { ignore: Deno.build.os !== "linux" || requireOrIgnore("script") });
