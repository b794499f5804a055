import { CACHE, ROOT } from "../lib/paths.ts";
import { run } from "../lib/process.ts";
import { nameByContent } from "./stable_names.ts";

/** Milliseconds for the bundler, the download of its own parts included. */
const DEADLINE_MS = 180_000;

/** Every input of a compiled binary carries this time, or no two builds would be equal. */
const FIXED_TIME = new Date("2000-01-01T00:00:00Z");

/** A program as `deno compile` gets it. */
export interface Bundle {
  /** The folder that holds nothing but the bundle. */
  folder: string;
  /** The main module's name in it. */
  entry: string;
  /** What `--include` must name, in it. */
  include: string[];
}

/**
 * Bundles a program: minified, and split, so that what a module imports dynamically is read only
 * then.
 *
 * A worker keeps the name it has in the source: beside its bundle `src/worker.js` lies a one-line
 * `src/worker.ts` that imports it, so `new URL("./src/worker.ts", import.meta.url)` in the main
 * module names the right file from source and compiled alike.
 *
 * @param entry the main module, relative to the checkout
 * @param workers the worker modules, relative to the checkout
 * @param more further flags for the bundler; default none
 * @throws {Error} with the bundler's words if it fails
 */
export async function bundle(
  entry: string,
  workers: string[],
  more: string[] = [],
): Promise<Bundle> {
  await Deno.mkdir(CACHE, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: CACHE, prefix: "bundle-" });
  try {
    return await bundleInto(folder, entry, workers, more);
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
}

async function bundleInto(
  folder: string,
  entry: string,
  workers: string[],
  more: string[],
): Promise<Bundle> {
  const args = ["--platform", "deno", "--minify", "--code-splitting", "--outdir", folder, ...more];
  const made = await run(
    Deno.execPath(),
    ["bundle", "--quiet", "--lock", `${ROOT}/deno.lock`, "--frozen", ...args, entry, ...workers],
    { cwd: ROOT, deadlineMs: DEADLINE_MS },
  );
  if (made.code !== 0) throw new Error(`Cannot bundle ${entry}:\n${made.stderr}`);
  await nameByContent(folder);
  const names = await outputNames(folder, [entry, ...workers]);
  const include: string[] = [];
  for (const [i, worker] of workers.entries()) {
    const output = names[i + 1] ?? "";
    const stub = output.replace(/\.js$/, worker.match(/\.[^./]+$/)?.[0] ?? ".ts");
    const file = output.slice(output.lastIndexOf("/") + 1);
    await Deno.writeTextFile(`${folder}/${stub}`, `import "./${file}";\n`);
    include.push(stub, output);
  }
  await fixTimes(folder);
  return { folder, entry: names[0] ?? "", include };
}

// The bundler drops the folders that all its inputs have in common.
async function outputNames(folder: string, inputs: string[]): Promise<string[]> {
  const parts = inputs.map((input) => input.split("/"));
  const first = parts[0] ?? [];
  let common = 0;
  while (
    parts.every((part) => common < part.length - 1 && part[common] === first[common])
  ) common++;
  const names = parts.map((part) => part.slice(common).join("/").replace(/\.[^./]+$/, ".js"));
  for (const name of names) await Deno.stat(`${folder}/${name}`);
  return names;
}

async function fixTimes(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await fixTimes(path);
    await Deno.utime(path, FIXED_TIME, FIXED_TIME);
  }
}
