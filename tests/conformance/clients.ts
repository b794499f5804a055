/**
 * MCP clients of others, run by Deno from npm: pinned, with the integrity of every package checked
 * against a lock file of their own, so that none of their packages is among the project's.
 *
 * @module
 */

import { ROOT } from "../support/server_process.ts";

/** Nothing of the project's own resolution, and nothing that the lock file does not hold. */
const RESOLUTION = [
  ...["--no-config", "--node-modules-dir=none"],
  ...[`--lock=${ROOT}tests/conformance/clients.lock`, "--frozen"],
];

/** How a client is run. */
export interface ClientOptions {
  /** Deno's flags for what it may do. */
  readonly permissions: readonly string[];
  readonly args: readonly string[];
  /** Added to the environment of the test. Default: nothing. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is killed. */
  readonly deadlineMs: number;
}

/** Milliseconds that the packages of a client may take to arrive. */
const FETCH_MS = 300_000;

/**
 * Fetches the packages of a client, where they are not there yet: a deadline on what it does then is
 * none on the network.
 *
 * @throws Error with Deno's words.
 */
export async function fetchClient(specifier: string): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", ...RESOLUTION, specifier],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(FETCH_MS),
  }).output();
  if (code !== 0) {
    throw new Error(`Cannot fetch ${specifier}: ${new TextDecoder().decode(stderr)}`);
  }
}

/** A command that runs the program of an npm package, not yet started. */
export function clientCommand(specifier: string, options: ClientOptions): Deno.Command {
  const { permissions, args, env = {}, deadlineMs } = options;
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", ...RESOLUTION],
      ...permissions,
      specifier,
      ...args,
    ],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(deadlineMs),
  });
}
