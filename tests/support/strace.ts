/**
 * What a process asks of the system, seen by strace.
 *
 * @module
 */

import type { ServerProcess, SpawnOptions } from "./server_process.ts";
import { spawnServer } from "./server_process.ts";

/**
 * Runs `use` with the compiled binary under strace, until the binary has ended.
 *
 * @returns its system calls on files and the network, one a line
 */
export async function trace(
  use: (server: ServerProcess) => Promise<void>,
  env: SpawnOptions["env"] = {},
): Promise<string[]> {
  const file = await Deno.makeTempFile({ prefix: "mqtt-smcp-strace-" });
  const wrapper = ["strace", "-f", "-qq", "-e", "trace=%file,%network,execve", "-o", file];
  // Set for the binary only, and not for strace: the dynamic linker reads some of them too.
  const set = Object.entries(env).flatMap(([name, value]) => ["-E", `${name}=${value}`]);
  // What it takes to find strace itself.
  const path = { PATH: Deno.env.get("PATH") ?? "" };
  try {
    await using server = spawnServer({
      kind: "compiled",
      wrapper: [...wrapper, ...set],
      env: path,
    });
    await use(server);
    await server.closeInput();
    await server.exited();
    return (await Deno.readTextFile(file)).split("\n");
  } finally {
    await Deno.remove(file);
  }
}

/** Whether a system call changes a file system, or opens a file so that it could. */
export function writes(call: string): boolean {
  if (/^\d+ +(open|openat|openat2|creat)\(/.test(call)) {
    return /\b(O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|creat)\b/.test(call);
  }
  return /^\d+ +(unlink|rename|mkdir|rmdir|link|symlink|chmod|chown|truncate|utime|mknod)/
    .test(call);
}

/** Where a system call connects or sends to on the network; undefined when it does not. */
export function placeOf(call: string): string | undefined {
  const [, port, address] =
    /(?:connect|sendto|sendmsg|bind)\(.*sin6?_port=htons\((\d+)\).*inet_(?:addr|pton)\([^"]*"([^"]+)"/
      .exec(call) ?? [];
  return port === undefined ? undefined : `${address}:${port}`;
}

/** The places of all these system calls, each once. */
export function placesOf(calls: readonly string[]): string[] {
  return [...new Set(calls.map(placeOf).filter((place) => place !== undefined))];
}
