import { compileProduct } from "./compile/product.ts";
import { closingLine, type Counts, fromJUnit } from "./lib/counts.ts";
import { CACHE, ROOT } from "./lib/paths.ts";
import { print } from "./lib/print.ts";
import { run } from "./lib/process.ts";
import type { Resolution } from "./offline/resolution.ts";

/** Environment variable that gives the tests the path of the compiled binary. */
export const BINARY_VARIABLE = "MQTT_SMCP_BINARY";

/** Environment variable that, set to `1`, turns every skipped test into a failure. */
export const REQUIRE_ALL_VARIABLE = "REQUIRE_ALL";

/** Folders of tests that have a task of their own. */
export const SUITES: readonly string[] = [
  "tests/brokers",
  "tests/conformance",
  "tests/faults",
  "tests/release",
  "tests/soak",
];

/** Milliseconds that the whole run may take before it is killed. */
const DEADLINE_MS = 40 * 60_000;

/**
 * Compiles the binary for the end-to-end tests, runs the tests, and prints their closing line.
 *
 * @param args passed on to `deno test`; `--no-binary` leaves out compiling, and the tests that need
 *   the binary are skipped
 * @param from where modules come from
 * @returns the exit code: 0 only if something ran and nothing failed
 */
export async function runTests(args: string[], from: Resolution): Promise<number> {
  return (await testCounts(args, from)).failed === 0 ? 0 : 1;
}

/**
 * As {@link runTests}, for callers that add up several runs.
 *
 * @returns the counts; a run without any test, and one that breaks off, count as one failure more
 */
export async function testCounts(args: string[], from: Resolution): Promise<Counts> {
  const { env, rest } = await compileForTests(args);
  return await countedRun([`--ignore=${SUITES.join(",")}`, ...rest], env, from);
}

/**
 * Compiles the binary for the tests, unless `--no-binary` is among the arguments, or the environment
 * names one already.
 *
 * @returns the environment that tells the tests of it, and the other arguments
 */
export async function compileForTests(
  args: readonly string[],
): Promise<{ env: Record<string, string>; rest: string[] }> {
  const rest = args.filter((arg) => arg !== "--no-binary");
  const known = Deno.env.get(BINARY_VARIABLE);
  if (rest.length < args.length || known !== undefined) {
    if (known !== undefined) print(`${BINARY_VARIABLE} names the binary: ${known}`);
    return { env: {}, rest };
  }
  const output = `${CACHE}/test/mqtt-smcp-server`;
  const made = await compileProduct({ output });
  print(`Compiled ${made.path} for the end-to-end tests, on ${made.base}`);
  return { env: { [BINARY_VARIABLE]: made.path }, rest };
}

/**
 * Runs `deno test`, and prints the closing line.
 *
 * @param args passed on, `--ignore` and folders among them
 * @param env added to the environment
 * @param from where modules come from
 * @returns as {@link testCounts}
 */
export async function countedRun(
  args: readonly string[],
  env: Record<string, string>,
  from: Resolution,
): Promise<Counts> {
  const report = `${CACHE}/test/junit.xml`;
  await Deno.mkdir(`${CACHE}/test`, { recursive: true });
  await Deno.remove(report).catch(ignoreMissing);
  const result = await run(
    Deno.execPath(),
    ["test", "-A", ...from.flags, `--junit-path=${report}`, ...args],
    { cwd: ROOT, env, deadlineMs: DEADLINE_MS, output: "inherit" },
  );
  const counts = fromJUnit(await Deno.readTextFile(report).catch(ignoreMissing) ?? "") ??
    { passed: 0, failed: 0, skipped: 0 };
  const ran = counts.passed + counts.failed;
  // A file that does not even load has no test case to be counted as failed.
  if ((result.code !== 0 && counts.failed === 0) || ran === 0) counts.failed++;
  if (Deno.env.get(REQUIRE_ALL_VARIABLE) === "1" && counts.skipped > 0) {
    print(`${REQUIRE_ALL_VARIABLE}=1 forbids skipping: the ${counts.skipped} skipped tests failed`);
    counts.failed += counts.skipped;
    counts.skipped = 0;
  }
  print(closingLine(counts));
  return counts;
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
