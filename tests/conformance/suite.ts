/**
 * The official conformance suite as a child process.
 *
 * @module
 */

import { PATIENCE_MS } from "../support/inbox.ts";
import { clientCommand, fetchClient } from "./clients.ts";

const SUITE = "npm:@modelcontextprotocol/conformance@0.1.16";

/** How long all scenarios may take; the suite itself has no bound. */
const SUITE_MS = 12 * PATIENCE_MS;

/** One statement of a scenario. */
export interface Check {
  readonly id: string;
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "INFO" | "SKIPPED";
  readonly errorMessage?: string;
}

/** What a run came to. */
export interface SuiteRun {
  /** 0 when exactly the scenarios failed that were expected to. */
  readonly code: number;
  /** What the suite printed. */
  readonly output: string;
  /** By the scenario's name, in the suite's order. */
  readonly scenarios: ReadonlyMap<string, readonly Check[]>;
}

/**
 * Runs every scenario for servers.
 *
 * @param url of a streamable HTTP endpoint on this machine
 * @param expectedFailures names of scenarios; that one of them passes is a failure as well
 */
export async function runSuite(
  url: string,
  expectedFailures: readonly string[],
): Promise<SuiteRun> {
  await fetchClient(SUITE);
  const folder = await Deno.makeTempDir({ prefix: "mqtt-smcp-conformance-" });
  try {
    const baseline = `${folder}/expected.yml`;
    // JSON is YAML too.
    await Deno.writeTextFile(baseline, JSON.stringify({ server: expectedFailures }));
    const results = `${folder}/results`;
    const { host } = new URL(url);
    const command = clientCommand(SUITE, {
      permissions: [
        `--allow-net=${host}`,
        "--allow-env",
        "--allow-read",
        `--allow-write=${folder}`,
      ],
      args: [
        ...["server", "--url", url, "--suite", "all"],
        ...["--expected-failures", baseline, "--output-dir", results],
      ],
      deadlineMs: SUITE_MS,
    });
    const { code, stdout, stderr } = await command.output();
    const text = new TextDecoder();
    const output = text.decode(stdout) + text.decode(stderr);
    return { code, output, scenarios: await readChecks(results) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * What a scenario found fault with: failures, and warnings, as the suite itself counts them against a
 * list of expected failures; and that nothing was checked at all.
 */
export function faultsOf(checks: readonly Check[]): string[] {
  const faults = checks.filter(({ status }) => status === "FAILURE" || status === "WARNING");
  if (faults.length === 0 && !checks.some(({ status }) => status === "SUCCESS")) {
    return ["nothing was checked"];
  }
  return faults.map(({ id, errorMessage }) => errorMessage ?? id);
}

async function readChecks(folder: string): Promise<Map<string, Check[]>> {
  const runs = await Array.fromAsync(Deno.readDir(folder), ({ name }) => {
    const [, scenario = "", time = ""] = /^server-(.+)-(\d{4}-\d\d-\d\dT[\d-]+Z)$/.exec(name) ?? [];
    return { name, scenario, time };
  });
  runs.sort((a, b) => a.time < b.time ? -1 : 1);
  const checks = new Map<string, Check[]>();
  for (const { name, scenario } of runs) {
    checks.set(scenario, JSON.parse(await Deno.readTextFile(`${folder}/${name}/checks.json`)));
  }
  return checks;
}
