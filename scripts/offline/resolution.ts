import { toFileUrl } from "../lib/file_url.ts";
import { CACHE, ROOT } from "../lib/paths.ts";
import { run } from "../lib/process.ts";

/** Where the modules that deno.json maps to JSR come from in this run. */
export interface Resolution {
  /** `"jsr"`: the real packages; `"stand-ins"`: the modules of this folder. */
  from: "jsr" | "stand-ins";
  /** Flags for `deno run`, `test`, `check` and `bundle`, to be run in the checkout's folder. */
  flags: string[];
}

/** Environment variable that settles the question without a probe: `jsr` or `stand-ins`. */
export const RESOLUTION_VARIABLE = "MQTT_SMCP_MODULES";

/** Each module that deno.json takes from JSR, and its stand-in in this folder. */
const STAND_INS: Record<string, string> = { "@std/assert": "assert.ts", "@std/cli": "cli.ts" };

/**
 * How long JSR may take to hand over the two packages. Past that the stand-ins serve: they are
 * equivalent for what is used of them, so a wrong guess costs nothing.
 */
const PROBE_MS = 5000;

/**
 * Decides whether the JSR packages can be had, and gives the flags that make Deno use them or the
 * stand-ins. The tracked deno.lock is never written: with JSR a copy is used, so that an entry this
 * checkout could not foresee is no failure; without it the tracked one is used frozen. Either way
 * the integrity of every package in it is verified.
 *
 * @throws {Error} if deno.json maps a package to JSR that has no stand-in
 */
export async function resolution(): Promise<Resolution> {
  const config = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`)) as {
    imports: Record<string, string>;
  };
  const fromJsr = Object.entries(config.imports).filter(([, to]) => to.startsWith("jsr:"));
  for (const [name] of fromJsr) {
    if (STAND_INS[name] === undefined) {
      throw new Error(`Cannot stand in for ${name}: scripts/offline has no module for it`);
    }
  }
  await Deno.mkdir(CACHE, { recursive: true });
  if (await jsrAnswers(fromJsr.map(([, specifier]) => specifier))) {
    const lock = `${CACHE}/deno.lock`;
    await Deno.copyFile(`${ROOT}/deno.lock`, lock);
    return { from: "jsr", flags: ["--lock", lock, "--frozen=false"] };
  }
  const map = `${CACHE}/import_map.json`;
  const imports = standInImports(config.imports);
  await replaceFile(map, JSON.stringify({ imports }, null, 2));
  return {
    from: "stand-ins",
    flags: ["--import-map", map, "--lock", `${ROOT}/deno.lock`, "--frozen"],
  };
}

/**
 * The import map that has every JSR package replaced by its stand-in.
 *
 * @param imports deno.json's own
 */
export function standInImports(imports: Record<string, string>): Record<string, string> {
  const map = { ...imports };
  for (const [name, file] of Object.entries(STAND_INS)) {
    const target = toFileUrl(`${ROOT}/scripts/offline/${file}`);
    map[name] = target;
    // A subpath such as "@std/cli/parse-args" needs an entry of its own.
    for (const path of SUBPATHS[name] ?? []) map[`${name}/${path}`] = target;
  }
  return map;
}

const SUBPATHS: Record<string, string[]> = { "@std/cli": ["parse-args"] };

async function jsrAnswers(specifiers: string[]): Promise<boolean> {
  const told = Deno.env.get(RESOLUTION_VARIABLE);
  if (told === "jsr" || told === "stand-ins") return told === "jsr";
  const probe = await run(
    Deno.execPath(),
    ["cache", "--quiet", "--no-config", "--no-lock", ...specifiers],
    { deadlineMs: PROBE_MS },
  );
  return probe.code === 0;
}

async function replaceFile(path: string, text: string): Promise<void> {
  // Two tasks at once must never see half a file.
  const temporary = `${path}.${Deno.pid}`;
  await Deno.writeTextFile(temporary, text);
  await Deno.rename(temporary, path);
}
