import { findProgram } from "../../tests/support/tools.ts";
import { table } from "../docs/markdown.ts";
import { run } from "../lib/process.ts";
import type { Row } from "./row.ts";
import { cells, HEAD } from "./table.ts";

/** The file that the table goes to. */
export const PAGE = "scripts/bench/README.md";

/** The page: the table, what it was measured on, and how. */
export async function benchPage(rows: readonly Row[], base: string): Promise<string> {
  return `# What it costs

${table(HEAD, rows.map(cells))}

${await circumstances(base)}
`;
}

async function circumstances(base: string): Promise<string> {
  const date = new Date().toISOString().slice(0, 10);
  const { os, arch } = Deno.build;
  return `${date}; ${os} ${arch}, ${navigator.hardwareConcurrency} cores; measured by Deno ` +
    `${Deno.version.deno}; programs compiled on ${base}; broker ${await brokerVersion()}.`;
}

async function brokerVersion(): Promise<string> {
  const program = findProgram("mosquitto");
  if (program === undefined) return "Aedes";
  const { stdout } = await run(program, ["-h"], { deadlineMs: 5_000 });
  return `Mosquitto ${/version (\S+)/.exec(stdout)?.[1] ?? ""}`;
}
