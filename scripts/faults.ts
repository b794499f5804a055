import type { Resolution } from "./offline/resolution.ts";
import { compileForTests, countedRun } from "./test.ts";

/**
 * Runs the tests under fault, load and bad input, on the sources and on the compiled binary; about
 * five minutes.
 *
 * @param args passed on to `deno test`; `--no-binary` leaves out compiling
 * @param from where modules come from
 * @returns the exit code: 0 only if something ran and nothing failed
 */
export async function runFaults(args: string[], from: Resolution): Promise<number> {
  const { env, rest } = await compileForTests(args);
  const paths = rest.some((arg) => arg.startsWith("tests/")) ? [] : ["tests/faults"];
  // One of them measures what is left after a collection.
  const flags = ["--v8-flags=--expose-gc"];
  const { failed } = await countedRun([...flags, ...rest, ...paths], env, from);
  return failed === 0 ? 0 : 1;
}
