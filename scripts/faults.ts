import { FIGURES_VARIABLE } from "../tests/faults/support.ts";
import { faultsPage, readFigures, soakPage } from "./faults/pages.ts";
import { formatted } from "./docs/markdown.ts";
import { CACHE, ROOT } from "./lib/paths.ts";
import { print } from "./lib/print.ts";
import { suiteArgs } from "./lib/suite.ts";
import type { Figure } from "../tests/faults/support.ts";
import type { Resolution } from "./offline/resolution.ts";
import { compileForTests, countedRun } from "./test.ts";

/** A suite that measures: where its tests are, and the page made of its figures. */
interface Suite {
  readonly folder: string;
  readonly page: (figures: readonly Figure[]) => string;
}

/**
 * Runs the tests under fault, load and bad input, on the sources and on the compiled binary; about
 * eight minutes.
 *
 * @param args `--bounded`: everything, but less often (about two minutes); `--write`: writes what was
 *   measured into the folder's README.md, if nothing failed; `--no-binary`: leaves out compiling; the
 *   others are passed on to `deno test`
 * @param from where modules come from
 * @returns the exit code: 0 only if something ran and nothing failed
 */
export function runFaults(args: string[], from: Resolution): Promise<number> {
  return runSuite({ folder: "tests/faults", page: faultsPage }, args, from);
}

/**
 * Runs the soak: a million messages and thousands of connections; about six minutes.
 *
 * @param args as of {@link runFaults}; bounded it takes less than a minute
 * @param from where modules come from
 * @returns the exit code: 0 only if something ran and nothing failed
 */
export function runSoak(args: string[], from: Resolution): Promise<number> {
  return runSuite({ folder: "tests/soak", page: soakPage }, args, from);
}

async function runSuite(
  { folder, page }: Suite,
  args: string[],
  from: Resolution,
): Promise<number> {
  const { bounded, env, rest: others } = suiteArgs(args);
  const write = others.includes("--write");
  const { env: binary, rest } = await compileForTests(others.filter((arg) => arg !== "--write"));
  const file = `${CACHE}/test/figures.jsonl`;
  await Deno.mkdir(`${CACHE}/test`, { recursive: true });
  await Deno.writeTextFile(file, "");
  const paths = rest.some((arg) => arg.startsWith("tests/")) ? [] : [folder];
  // Some of them measure what is left after a collection.
  const flags = ["--v8-flags=--expose-gc"];
  const { failed, skipped } = await countedRun(
    [...flags, ...rest, ...paths],
    { ...env, ...binary, [FIGURES_VARIABLE]: file },
    from,
  );
  if (!write) return failed === 0 ? 0 : 1;
  const whole = failed === 0 && skipped === 0 && !bounded && paths.length > 0;
  if (whole) {
    const text = page(readFigures(await Deno.readTextFile(file)));
    await Deno.writeTextFile(`${ROOT}/${folder}/README.md`, await formatted(text, "md"));
    print(`Wrote ${folder}/README.md`);
  } else print(`${folder}/README.md stays as it is: not all of the full suite passed`);
  return whole ? 0 : 1;
}
