import { suiteArgs } from "./lib/suite.ts";
import type { Resolution } from "./offline/resolution.ts";
import { countedRun } from "./test.ts";

/**
 * Runs the tests of a release: two builds in different folders, what is in them, and a run of those
 * that this machine can run.
 *
 * @param args passed on to `deno test`; `--bounded` takes the two Linux targets only
 * @param from where modules come from
 * @returns the exit code: 0 only if something ran and nothing failed
 */
export async function runRelease(args: string[], from: Resolution): Promise<number> {
  const { env, rest } = suiteArgs(args);
  const { failed } = await countedRun([...rest, "tests/release"], env, from);
  return failed === 0 ? 0 : 1;
}
