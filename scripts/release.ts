/**
 * Everything of a release, in `dist/release/`. Usage: `deno task release [--tag vX.Y.Z] [--test-base]
 * [--target T]…`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { PRODUCT } from "../src/version.ts";
import { compileProduct } from "./compile/product.ts";
import { type Compiled, requirePublishedBase } from "./compile/program.ts";
import { parseTarget, type Target, TARGETS } from "./compile/targets.ts";
import { DIST, ROOT } from "./lib/paths.ts";
import { complain, print, printError } from "./lib/print.ts";
import { faults, inspect } from "./release/inspect.ts";
import { lockedPackages } from "./release/lock.ts";
import { changelogSection, releasedVersion } from "./release/notes.ts";
import { billOfMaterials } from "./release/sbom.ts";
import { shippedPackages, thirdPartyLicenses } from "./release/shipped.ts";
import { sha256, sumsText } from "./release/sums.ts";

const USAGE = `Usage: deno task release [--tag vX.Y.Z] [--test-base] [--target T]...

Compiles every target and checks what came out, then writes the SBOM, the licences of what is in the
binaries, and SHA256SUMS over all of them, to dist/release/.

--tag T      fails unless T is "v" and the version, and writes dist/release-notes.md
--test-base  takes the base for tests where the published one is not to be had; for tests only
--target T   only this target; may be repeated`;

/** Where the files of a release are left, and nothing else is. */
const FOLDER = `${DIST}/release`;

interface Options {
  tag: string | undefined;
  testBase: boolean;
  targets: readonly Target[];
}

/**
 * Makes a release, as the arguments say.
 *
 * @returns the exit code: 2 for a wrong argument, 1 if there can be no release
 */
export async function main(args: string[]): Promise<number> {
  const wrong: string[] = [];
  const flags = parseArgs(args, {
    boolean: ["test-base", "help"],
    string: ["tag", "target"],
    collect: ["target"],
    unknown: (arg: string) => wrong.push(arg) < 0,
  });
  if (flags.help || wrong.length > 0) {
    (wrong.length > 0 ? printError : print)(USAGE);
    return wrong.length > 0 ? 2 : 0;
  }
  let targets: readonly Target[];
  try {
    targets = flags.target.length > 0 ? (flags.target as string[]).map(parseTarget) : TARGETS;
  } catch (error) {
    return complain(error, 2);
  }
  try {
    await release({ tag: flags.tag, testBase: flags["test-base"], targets });
    return 0;
  } catch (error) {
    return complain(error, 1);
  }
}

async function release({ tag, testBase, targets }: Options): Promise<void> {
  if (!testBase) requirePublishedBase();
  const config = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  if (tag !== undefined) {
    const { version: program } = PRODUCT;
    const version = releasedVersion({ tag, config: config.version, program });
    const changelog = await Deno.readTextFile(`${ROOT}/CHANGELOG.md`);
    await Deno.mkdir(DIST, { recursive: true });
    await Deno.writeTextFile(`${DIST}/release-notes.md`, changelogSection(changelog, version));
  }
  await Deno.remove(FOLDER, { recursive: true }).catch(ignoreMissing);
  await Deno.mkdir(FOLDER, { recursive: true });
  const bases = new Set<string>();
  for (const target of targets) {
    const made = await compileProduct({
      output: `${FOLDER}/${PRODUCT.name}-${target}`,
      target,
      publishedBaseOnly: !testBase,
    });
    bases.add(made.deno);
    await check(made, target);
    print(`Compiled and checked ${made.path} on ${made.base}`);
  }
  const [deno = "", ...others] = bases;
  if (others.length > 0) throw new Error("Cannot release: the bases are of several versions");
  await writePapers(deno, config.license);
  await writeSums();
}

async function check({ path }: Compiled, target: Target): Promise<void> {
  const found = faults(inspect(await Deno.readFile(path)), target);
  if (found.length > 0) throw new Error(`Cannot release ${path}: ${found.join("; ")}`);
}

async function writePapers(deno: string, license: string): Promise<void> {
  const locked = lockedPackages(JSON.parse(await Deno.readTextFile(`${ROOT}/deno.lock`)));
  const shipped = await shippedPackages();
  const sbom = await billOfMaterials({ product: { ...PRODUCT, license }, deno, locked, shipped });
  await Deno.writeTextFile(
    `${FOLDER}/${PRODUCT.name}.cdx.json`,
    `${JSON.stringify(sbom, null, 2)}\n`,
  );
  await Deno.writeTextFile(
    `${FOLDER}/THIRD-PARTY-LICENSES.txt`,
    thirdPartyLicenses(shipped, deno),
  );
  print(`${shipped.length} of ${locked.length} locked packages are in the binaries`);
}

async function writeSums(): Promise<void> {
  const files = await Array.fromAsync(Deno.readDir(FOLDER), ({ name }) => name);
  const sums: [file: string, sum: string][] = [];
  for (const file of files.sort()) sums.push([file, await sha256(`${FOLDER}/${file}`)]);
  await Deno.writeTextFile(`${FOLDER}/SHA256SUMS`, sumsText(sums));
  print(`Wrote ${FOLDER}/SHA256SUMS, over ${sums.length} files`);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
