import { type Clock, systemClock } from "../../src/clock.ts";
import type { ByteReader } from "../../src/lines.ts";
import { withDeadline } from "../../src/wait.ts";
import { LaunchError } from "./errors.ts";
import type { Source } from "./flags.ts";
import { collect, StreamSource } from "./streams.ts";

/** What a source may give: as much as the server takes. */
const MAX_BYTES = 1024 * 1024;

/** Milliseconds for a source; a person may have to type a PIN meanwhile. */
const DEADLINE_MS = 60_000;

/**
 * Reads the credentials from where the command line says.
 *
 * A command runs in this system's shell, as it was typed: `sh -c`, on Windows `cmd /c`. It inherits
 * the environment, which the likes of `pass` need, and stderr, but neither stdin nor stdout: they
 * belong to MCP.
 *
 * @param stopped rejects to give up waiting; a command is killed then
 * @returns the bytes, the caller's to overwrite
 * @throws {LaunchError} that repeats nothing of what was read, and what `stopped` throws
 */
export async function readSource(
  source: Source,
  stopped: Promise<never>,
  clock: Clock = systemClock,
): Promise<Uint8Array> {
  const finish = (reading: Promise<Uint8Array>): Promise<Uint8Array> =>
    withDeadline(
      { clock, ms: DEADLINE_MS },
      Promise.race([reading, stopped]),
      () => failed(`they did not come within ${DEADLINE_MS / 1000} s`),
    );
  if (source.kind === "fd") return await finish(readDescriptor(source.fd));
  const child = shell(source.command).spawn();
  try {
    return await finish(outputOf(child));
  } finally {
    kill(child);
  }
}

async function outputOf(child: Deno.ChildProcess): Promise<Uint8Array> {
  const bytes = await collectBounded(new StreamSource(child.stdout));
  const { code } = await child.status;
  if (code === 0 && bytes.length > 0) return bytes;
  bytes.fill(0);
  throw failed(code === 0 ? "the command printed nothing" : `the command ended with code ${code}`);
}

async function readDescriptor(fd: number): Promise<Uint8Array> {
  if (Deno.build.os === "windows") throw failed("Windows passes no file descriptors on");
  let file: Deno.FsFile;
  try {
    // Deno opens a file or a terminal this way only with every permission there is, a pipe always.
    file = await Deno.open(`/dev/fd/${fd}`);
  } catch {
    throw failed(`file descriptor ${fd} is not open for reading, or is no pipe`);
  }
  try {
    return await collectBounded(file);
  } finally {
    file.close();
  }
}

async function collectBounded(from: ByteReader): Promise<Uint8Array> {
  try {
    return await collect(from, MAX_BYTES);
  } catch (error) {
    if (!(error instanceof RangeError)) throw failed("they could not be read");
    throw failed(`there are more than ${MAX_BYTES} bytes of them`);
  }
}

function shell(command: string): Deno.Command {
  const options = { stdin: "null", stdout: "piped", stderr: "inherit" } as const;
  if (Deno.build.os !== "windows") {
    return new Deno.Command("sh", { args: ["-c", command], ...options });
  }
  // cmd has quoting rules of its own: the outer quotes go, and the rest is as it was typed.
  const args = ["/d", "/s", "/c", `"${command}"`];
  return new Deno.Command("cmd", { args, windowsRawArguments: true, ...options });
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended, as it should.
  }
}

function failed(reason: string): LaunchError {
  return new LaunchError(`Cannot get the credentials: ${reason}`);
}
