/**
 * Shows the product at work on this machine: a broker, the server as a child process, and an SMCP
 * parent and MCP client that checks every answer. Usage: `deno task demo`
 *
 * @module
 */
import { within } from "../tests/support/inbox.ts";
import { STEPS } from "./demo/steps.ts";
import { World } from "./demo/world.ts";
import { print } from "./lib/print.ts";

/** Milliseconds for all the steps; each wait inside them is bounded by itself too. */
const STEPS_MS = 15_000;

/**
 * Runs every step, and stops whatever was started.
 *
 * @returns the exit code: 0 only if every step gave what it should
 */
async function demo(): Promise<number> {
  const started = performance.now();
  await using world = await World.create();
  let step = "";
  try {
    const steps = async (): Promise<void> => {
      for (const [i, { title, run }] of STEPS.entries()) {
        step = `${i + 1}. ${title}`;
        print(`\n${step}`);
        await run(world);
      }
    };
    await within(STEPS_MS, "the steps", steps());
  } catch (error) {
    print(`\nFAILED in step ${step}: ${error instanceof Error ? error.message : String(error)}`);
    for (const line of world.server.stderrLines.all.slice(-10)) print(`   server log: ${line}`);
    return 1;
  }
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  print(`\nAll ${STEPS.length} steps gave what they should, in ${seconds} s.`);
  return 0;
}

if (import.meta.main) Deno.exit(await demo());
