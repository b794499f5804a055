/**
 * The launcher of `scripts/launch.ts`, as an MCP host starts it.
 *
 * @module
 */

import { ROOT, ServerProcess } from "./server_process.ts";

/** A command line, without the permissions that a test's own process has. */
export const LAUNCHER: readonly [string, ...string[]] = [
  Deno.execPath(),
  ...["run", "--no-config", "--no-lock", "--quiet", "--no-prompt"],
  ...["--allow-run", "--allow-read=/dev/fd", `${ROOT}scripts/launch.ts`],
];

/** Options that make it launch `script`, for `sh`, in place of the server. */
export function shellServer(script: string): string[] {
  return ["--server", "/bin/sh", "--", "-c", script];
}

/** Options that hand it these credentials. */
export function withCredentials(credentials: Readonly<Record<string, unknown>>): string[] {
  return ["--credentials-command", `cat <<'END'\n${JSON.stringify(credentials)}\nEND`];
}

/** A launcher, not yet started, with all three streams as pipes. */
export function launcherCommand(args: readonly string[]): Deno.Command {
  const [program, ...options] = LAUNCHER;
  return new Deno.Command(program, {
    args: [...options, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Starts a launcher; to the test it looks as a server behind its handshake does. */
export function spawnLauncher(args: readonly string[]): ServerProcess {
  return new ServerProcess(launcherCommand(args), true);
}
