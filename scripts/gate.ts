import { add, closingLine, type Counts } from "./lib/counts.ts";
import { ROOT } from "./lib/paths.ts";
import { print } from "./lib/print.ts";
import { run } from "./lib/process.ts";
import type { Resolution } from "./offline/resolution.ts";
import { testCounts } from "./test.ts";

/** Milliseconds for one of the quick steps. */
const STEP_DEADLINE_MS = 10 * 60_000;

/**
 * The gate a change must pass: formatting, lint, types, generated docs, tests. Runs every step, even
 * after one that failed, and prints the closing line over all of them.
 *
 * @param args `--no-test` leaves out the tests, for a caller that has run them
 * @param from where modules come from
 * @returns the exit code: 0 only if every step held
 */
export async function gate(args: string[], from: Resolution): Promise<number> {
  const steps: [name: string, args: string[]][] = [
    ["fmt", ["fmt", "--check"]],
    ["lint", ["lint"]],
    ["check", ["check", ...from.flags, "."]],
    ["docs", ["run", "-A", "--quiet", ...from.flags, "scripts/docs.ts", "--check"]],
  ];
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, command] of steps) {
    print(`-- ${name}`);
    const { code } = await run(Deno.execPath(), command, {
      cwd: ROOT,
      deadlineMs: STEP_DEADLINE_MS,
      output: "inherit",
    });
    print(`${name}: ${code === 0 ? "ok" : `failed (exit code ${code})`}`);
    counts = add(counts, { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
  }
  if (!args.includes("--no-test")) {
    print("-- test");
    counts = add(counts, await testCounts([], from));
    print("-- all");
  }
  print(closingLine(counts));
  return counts.failed === 0 ? 0 : 1;
}
