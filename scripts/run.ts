/**
 * The one entry of every task in deno.json: settles where the modules come from, then runs the task's
 * script with the flags for it. Imports nothing from JSR, so it starts on every network.
 *
 * Usage: `scripts/run.ts TASK [argument…]`
 *
 * @module
 */
import { runBrokers } from "./brokers.ts";
import { runConformance } from "./conformance.ts";
import { runFaults, runSoak } from "./faults.ts";
import { gate } from "./gate.ts";
import { ROOT } from "./lib/paths.ts";
import { print, printError } from "./lib/print.ts";
import { run } from "./lib/process.ts";
import { type Resolution, resolution, RESOLUTION_VARIABLE } from "./offline/resolution.ts";
import { runRelease } from "./release_suite.ts";
import { runTests } from "./test.ts";

/** Milliseconds that a script may take before it is killed. */
const SCRIPT_DEADLINE_MS = 30 * 60_000;

type Task = (args: string[], from: Resolution) => Promise<number>;

function script(name: string): Task {
  return async (args, from) => {
    const result = await run(
      Deno.execPath(),
      ["run", "-A", "--quiet", ...from.flags, `scripts/${name}.ts`, ...args],
      { cwd: ROOT, deadlineMs: SCRIPT_DEADLINE_MS, output: "inherit" },
    );
    return result.code;
  };
}

const TASKS: Record<string, Task> = {
  bench: script("bench"),
  compile: script("compile"),
  demo: script("demo"),
  docs: script("docs"),
  ok: gate,
  release: script("release"),
  smoke: script("release/smoke"),
  soak: runSoak,
  test: runTests,
  "test:brokers": runBrokers,
  "test:conformance": runConformance,
  "test:faults": runFaults,
  "test:release": runRelease,
};

if (import.meta.main) {
  const [name = "", ...args] = Deno.args;
  const task = TASKS[name];
  if (task === undefined) {
    printError(`Cannot run this task: it must be one of ${Object.keys(TASKS).join(", ")}`);
    Deno.exit(2);
  }
  const from = await resolution();
  // Tasks that a child starts need not ask again.
  Deno.env.set(RESOLUTION_VARIABLE, from.from);
  if (from.from === "stand-ins") {
    print(
      "JSR does not answer: using the stand-ins in scripts/offline for @std/assert and @std/cli",
    );
  }
  Deno.exit(await task(args, from));
}
