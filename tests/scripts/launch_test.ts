import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { LAUNCHER, launcherCommand, shellServer, spawnLauncher } from "../support/launcher.ts";
import { ROOT, ServerProcess } from "../support/server_process.ts";

// The launcher's tests need a shell to play the server.
const ignore = Deno.build.os === "windows";
const CREDENTIALS = ["--credentials-command", "echo MQTT_BROKER=b"];
const SECRET = "hunter2-canary";
/** What a server says and reads before MCP begins, for `sh`. */
const HANDSHAKE = "echo +READY; read line; echo +OK";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

/** Starts a launcher with a server that `script` plays. */
function launch(script: string, credentials: readonly string[] = CREDENTIALS): ServerProcess {
  return spawnLauncher([...credentials, ...shellServer(script)]);
}

/** The end of a launcher that is never to become a pipe: its code, and what it says why. */
async function failure(launcher: ServerProcess): Promise<{ code: number; why: string }> {
  const { code } = await launcher.exited();
  assertEquals(launcher.stdoutText, "");
  return { code, why: launcher.stderrText };
}

test("the launcher hands over a command's output and is a pipe then", async () => {
  await using launcher = launch('echo +READY; read line; echo +OK; echo "$line"; exec cat');
  assertEquals(JSON.parse(await launcher.lines.next()), { MQTT_BROKER: "b" });
  await launcher.write("one\n");
  assertEquals(await launcher.lines.next(), "one");
  await launcher.closeInput();
  assertEquals((await launcher.exited()).code, 0);
  assertEquals(launcher.stderrText, "");
});

test("the launcher reads credentials from a pipe that it inherited", async () => {
  const script = 'exec "$@" 3<<END\n{"MQTT_PASS": "from a pipe"}\nEND';
  const server = shellServer('echo +READY; read line; echo +OK; echo "$line"; exec cat');
  const args = ["-c", script, "sh", ...LAUNCHER, "--credentials-fd", "3", ...server];
  const options = { args, stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  await using launcher = new ServerProcess(new Deno.Command("/bin/sh", options), true);
  assertEquals(JSON.parse(await launcher.lines.next()), { MQTT_PASS: "from a pipe" });
});

test("a file descriptor that is not there is named", async () => {
  await using launcher = launch("exit 0", ["--credentials-fd", "77"]);
  const { code, why } = await failure(launcher);
  assertEquals(code, 1);
  assertStringIncludes(why, "file descriptor 77 is not open");
});

test("the shell gets the command as it was typed, and none of the host's stdin", async () => {
  const command = `read x; printf 'MQTT_USER=%s\n' "\${x:-none}" | cat`;
  await using launcher = launch(
    'echo +READY; read line; echo +OK; echo "$line"; exec cat',
    ["--credentials-command", command],
  );
  await launcher.write("for the server\n");
  assertEquals(JSON.parse(await launcher.lines.next()), { MQTT_USER: "none" });
  assertEquals(await launcher.lines.next(), "for the server");
});

test("a credentials command that fails, or says nothing of use, is not repeated", async () => {
  const ways: [command: string, why: RegExp][] = [
    [`echo ${SECRET}`, /^Cannot use the credentials: line 1 is not KEY=value/],
    [`echo MQTT_PASS=${SECRET}; exit 3`, /^Cannot get the credentials: .* ended with code 3\n$/],
    ["true", /^Cannot get the credentials: the command printed nothing\n$/],
    ["head -c 2000000 /dev/zero", /^Cannot get the credentials: .* more than 1048576 bytes/],
    ["kill -9 $$", /^Cannot get the credentials: the command ended with code 137\n$/],
  ];
  for (const [command, expected] of ways) {
    await using launcher = launch("exit 0", ["--credentials-command", command]);
    const { code, why } = await failure(launcher);
    assertEquals(code, 1);
    assertMatch(why, expected);
    assert(!why.includes(SECRET));
  }
});

test("a server that is not there, and one that may not be run, are named", async () => {
  const ways = [["/nowhere/server", "deno task compile"], [
    `${ROOT}LICENSE`,
    "may be run",
  ]] as const;
  for (const [path, hint] of ways) {
    await using launcher = spawnLauncher([...CREDENTIALS, "--server", path]);
    const { code, why } = await failure(launcher);
    assertEquals(code, 1);
    assertStringIncludes(why, path);
    assertStringIncludes(why, hint);
  }
});

test("a server's refusal is shown, and ends the launcher with 1", async () => {
  await using launcher = launch("echo +READY; read line; echo '+ERR NO_WAY x'; exit 9");
  assertEquals(await failure(launcher), {
    code: 1,
    why: "The server refuses the credentials: NO_WAY x\n",
  });
});

test("a wrong command line ends with 2, and repeats no argument", async () => {
  await using launcher = spawnLauncher([`MQTT_PASS=${SECRET}`]);
  const { code, why } = await failure(launcher);
  assertEquals(code, 2);
  assert(!why.includes(SECRET));
});

test("5 MB pass both ways unharmed, and wait for a slow reader", async () => {
  const child = launcherCommand([...CREDENTIALS, ...shellServer(`${HANDSHAKE}; exec cat`)]).spawn();
  const sent = crypto.getRandomValues(new Uint8Array(65_536));
  const total = 80 * sent.length;
  let written = 0;
  let taken = 0;
  let ahead = 0;
  const writing = (async () => {
    const writer = child.stdin.getWriter();
    for (let i = 0; i < 80; i++) {
      await writer.write(sent);
      written += sent.length;
    }
    await writer.close();
  })();
  for await (const chunk of child.stdout) {
    for (let i = 0; i < 20; i++) await settle();
    for (const byte of chunk) if (byte !== sent[taken++ % sent.length]) throw new Error("differs");
    ahead = Math.max(ahead, written - taken);
  }
  await writing;
  assertEquals(taken, total);
  // Four pipes of 64 KiB, and a chunk in each hand: far from the 5 MB that were to be had.
  assertLess(ahead, 1_000_000);
  assertEquals((await child.status).code, 0);
  await child.stderr.cancel();
});

test("the server's exit code is the launcher's, and its stderr too", async () => {
  await using launcher = launch(`${HANDSHAKE}; echo last; echo oops >&2; exit 7`);
  assertEquals((await launcher.exited()).code, 7);
  assertEquals(launcher.stdoutText, "last\n");
  assertEquals(launcher.stderrText, "oops\n");
});

test("a server that a signal killed is told by 128 and the signal", async () => {
  await using launcher = launch(`${HANDSHAKE}; kill -9 $$`);
  assertEquals((await launcher.exited()).code, 137);
});

for (const [signal, code] of [["SIGINT", 22], ["SIGTERM", 23], ["SIGHUP", 24]] as const) {
  test(`${signal} reaches the server, which decides the exit code`, async () => {
    const trap = `trap 'echo got; exit ${code}' ${signal.slice(3)}`;
    await using launcher = launch(`${trap}; ${HANDSHAKE}; echo up; while read x; do :; done`);
    await launcher.lines.next();
    launcher.signal(signal);
    assertEquals(await launcher.lines.next(), "got");
    assertEquals((await launcher.exited()).code, code);
  });
}

test("a server that ignores SIGTERM is killed", async () => {
  await using launcher = launch(`trap '' TERM; ${HANDSHAKE}; echo up; while read x; do :; done`);
  await launcher.lines.next();
  launcher.signal("SIGTERM");
  assertEquals((await launcher.exited()).code, 137);
});

test("a server that outlives its stdin is asked to end, and killed if it does not", async () => {
  for (const [trap, code] of [[":", 143], ["trap '' TERM", 137]] as const) {
    await using launcher = launch(`${trap}; ${HANDSHAKE}; echo up; exec tail -f /dev/null`);
    await launcher.lines.next();
    await launcher.closeInput();
    assertEquals((await launcher.exited()).code, code);
  }
});

test("a host that closes its end ends the server", async () => {
  await using launcher = launch(`${HANDSHAKE}; while read x; do echo "$x"; done; echo end >&2`);
  await launcher.write("a\n");
  await launcher.lines.next();
  await launcher.closeOutput();
  let isOver = false;
  const ended = launcher.stderrLines.find((line) => line === "end").finally(() => isOver = true);
  // That the host has gone is seen only by writing to it, and its end may close a little later.
  while (!isOver) {
    await launcher.write("b\n").catch(() => {});
    await settle();
  }
  await ended;
  assertEquals((await launcher.exited()).code, 0);
});

test("a signal ends a launcher that still waits for its credentials", async () => {
  const command = "echo waiting >&2; exec tail -f /dev/null";
  await using launcher = launch("exit 0", ["--credentials-command", command]);
  await launcher.stderrLines.find((line) => line === "waiting");
  launcher.signal("SIGTERM");
  assertEquals((await launcher.exited()).code, 143);
});

test("a signal ends a launcher in the handshake, and the server with it", async () => {
  await using launcher = launch("echo $$ >&2; exec tail -f /dev/null");
  const pid = Number(await launcher.stderrLines.next());
  launcher.signal("SIGINT");
  assertEquals((await launcher.exited()).code, 130);
  assertEquals(isRunning(pid), false);
});

function isRunning(pid: number): boolean {
  try {
    // SIGCONT changes nothing for a process that runs.
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}
