/**
 * The same release, built twice from copies of the checkout in different folders.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Target } from "../../scripts/compile/targets.ts";
import { CACHE, ROOT } from "../../scripts/lib/paths.ts";
import { run } from "../../scripts/lib/process.ts";

/** Milliseconds for one build of every target, the download of the bases included. */
const BUILD_MS = 8 * 60_000;

/** What a copy leaves out: nothing that is generated may reach a build. */
const NOT_COPIED = [".git", ".cache", "dist", "node_modules"];

/** Two builds; disposing of them removes both. */
export interface Builds extends AsyncDisposable {
  /** The folder of each, with the files of the release. */
  readonly folders: readonly [string, string];
}

/** Builds a release for the targets, twice, on the published base or else the one for tests. */
export async function buildTwice(targets: readonly Target[]): Promise<Builds> {
  const root = await Deno.makeTempDir({ prefix: "mqtt-smcp-release-" });
  const dispose = () => Deno.remove(root, { recursive: true });
  try {
    const copies = [`${root}/one`, `${root}/a deeper folder/zwölf`] as const;
    for (const copy of copies) await build(copy, targets);
    return {
      folders: [`${copies[0]}/dist/release`, `${copies[1]}/dist/release`],
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function build(copy: string, targets: readonly Target[]): Promise<void> {
  await copyFolder(ROOT, copy);
  await linkFiles(`${CACHE}/base`, `${copy}/.cache/base`);
  const flags = targets.flatMap((target) => ["--target", target]);
  const made = await run(
    Deno.execPath(),
    ["run", "-A", "--no-config", "--no-lock", "scripts/run.ts", "release", "--test-base", ...flags],
    { cwd: copy, deadlineMs: BUILD_MS },
  );
  assertEquals(made.code, 0, made.stdout + made.stderr);
  await linkFiles(`${copy}/.cache/base`, `${CACHE}/base`);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (NOT_COPIED.includes(name)) continue;
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else if (isFile) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Hands on what is pinned by its sum and costs a download; what is there already stays. */
async function linkFiles(from: string, to: string): Promise<void> {
  await Deno.mkdir(from, { recursive: true });
  await Deno.mkdir(to, { recursive: true });
  const there = new Set(await Array.fromAsync(Deno.readDir(to), ({ name }) => name));
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (isFile && !there.has(name)) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
