import { assertEquals, assertFalse, assertInstanceOf, assertThrows } from "@std/assert";
import { LaunchError } from "../../scripts/launch/errors.ts";
import { readLaunchFlags } from "../../scripts/launch/flags.ts";

const SECRET = "hunter2-canary";

function test(name: string, fn: () => void): void {
  Deno.test({ name, permissions: "none", fn });
}

function refusal(...args: string[]): string {
  const error = assertThrows(() => readLaunchFlags(args));
  assertInstanceOf(error, LaunchError);
  assertEquals(error.exitCode, 2);
  assertFalse(error.message.includes(SECRET), error.message);
  return error.message;
}

test("the launcher takes a command, a server, and the server's own arguments", () => {
  const args = ["--credentials-command", "A=1 pass show mqtt", "--server=s", "--", "run", "--x=y"];
  assertEquals(readLaunchFlags(args), {
    kind: "launch",
    source: { kind: "command", command: "A=1 pass show mqtt" },
    server: "s",
    serverArgs: ["run", "--x=y"],
  });
});

test("the launcher takes a file descriptor, and by default the server in dist/", () => {
  assertEquals(readLaunchFlags(["--credentials-fd", "3"]), {
    kind: "launch",
    source: { kind: "fd", fd: 3 },
    server: undefined,
    serverArgs: [],
  });
});

test("the launcher's help needs nothing else", () => {
  assertEquals(readLaunchFlags(["--help"]), { kind: "help" });
});

test("a credential as an argument is refused with a reason, and not repeated", () => {
  const ways = [
    [`MQTT_PASS=${SECRET}`],
    [`mqtt_pass=${SECRET}`],
    [`--MQTT_PASS=${SECRET}`],
    ["--cred", `MQTT_PASS=${SECRET}`],
    ["--credentials-fd", "3", `pass=${SECRET}`],
    ["--credentials-fd", "3", "--", `MQTT_PASS=${SECRET}`],
    ["--credentials-fd", "3", "--", `--MQTT_PASS=${SECRET}`],
  ];
  for (const args of ways) {
    assertEquals(refusal(...args).includes("credentials must not be arguments"), true);
  }
});

test("an argument that is not known is refused, and not repeated", () => {
  for (const args of [[SECRET], [`--${SECRET}`], ["--pass", SECRET], [`-${SECRET}`]]) {
    assertEquals(refusal(...args).includes("an argument is not known"), true);
  }
});

test("the launcher wants one source of credentials, and a sound one", () => {
  refusal();
  refusal("--server", "s");
  refusal("--credentials-fd", "3", "--credentials-command", SECRET);
  refusal("--credentials-command", " ");
  refusal("--credentials-command");
  refusal("--server", "", "--credentials-fd", "3");
  // 0 to 2 are the host's own streams.
  for (const fd of ["0", "1", "2", "-3", "3.5", "", "x", "99999", SECRET]) {
    refusal(`--credentials-fd=${fd}`);
  }
});
