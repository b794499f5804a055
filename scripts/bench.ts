/**
 * The benchmark: one table of what the compiled product costs, each row against something measured
 * in the same run. Usage: `deno task bench [--bounded] [--only GROUP] [--strict] [--write]`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { startAedes } from "../tests/support/aedes.ts";
import { startMosquitto } from "../tests/support/mosquitto.ts";
import { findProgram, mosquittoAvailable } from "../tests/support/tools.ts";
import { benchPage, circumstances, PAGE } from "./bench/page.ts";
import type { Row } from "./bench/row.ts";
import { type Group, GROUPS } from "./bench/rows.ts";
import { BOUNDED, type Setting, WHOLE } from "./bench/setting.ts";
import { holds, rowLines } from "./bench/table.ts";
import { compileProduct } from "./compile/product.ts";
import { compileProgram } from "./compile/program.ts";
import { formatted } from "./docs/markdown.ts";
import { closingLine, type Counts } from "./lib/counts.ts";
import { CACHE, ROOT } from "./lib/paths.ts";
import { print, printError } from "./lib/print.ts";

const USAGE = `Usage: deno task bench [--bounded] [--only GROUP] [--strict] [--write]

--bounded     fewer rounds, about a minute
--only GROUP  one of ${GROUPS.map(({ name }) => name).join(", ")}; may be given several times
--strict      exit code 1 when a mark is missed
--write       writes the table to ${PAGE}`;

/**
 * Compiles, measures and prints.
 *
 * @returns the exit code: 2 for a wrong argument; 1 when a row could not be measured, or when a mark
 * is missed and that is asked for
 */
async function bench(args: string[]): Promise<number> {
  const wrong: string[] = [];
  const flags = parseArgs(args, {
    boolean: ["bounded", "strict", "write", "help"],
    string: ["only"],
    collect: ["only"],
    unknown: (arg: string) => wrong.push(arg) < 0,
  });
  const only = flags.only as string[];
  wrong.push(...only.filter((name) => !GROUPS.some((group) => group.name === name)));
  if (flags.help || wrong.length > 0 || (flags.write && only.length > 0)) {
    (flags.help ? print : printError)(USAGE);
    return flags.help ? 0 : 2;
  }
  const groups = GROUPS.filter(({ name }) => only.length === 0 || only.includes(name));
  const started = performance.now();
  const withMosquitto = mosquittoAvailable();
  await using broker = withMosquitto
    ? await startMosquitto({ verbose: false })
    : await startAedes();
  const { base, ...programs } = await compileAll();
  const setting: Setting = {
    ...programs,
    broker: { hostname: broker.hostname, port: broker.port },
    protocolVersion: withMosquitto ? 5 : 4,
    effort: flags.bounded ? BOUNDED : WHOLE,
  };
  print(`Compiled on ${base}; broker: ${withMosquitto ? "Mosquitto" : "Aedes, in this process"}`);
  print("Medians of the rounds, and from the least to the greatest in brackets\n");
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const rows: Row[] = [];
  for (const group of groups) rows.push(...await measureGroup(group, setting, counts));
  const missed = rows.filter((row) => !holds(row));
  const marks = rows.filter(({ mark }) => mark !== null).length;
  print(`\n${marks - missed.length} of ${marks} marks kept`);
  const [load = 0] = Deno.loadavg();
  print(`${Math.round((performance.now() - started) / 1_000)} s, load ${load.toFixed(1)}`);
  if (flags.write && counts.failed + counts.skipped === 0) {
    await Deno.writeTextFile(
      `${ROOT}/${PAGE}`,
      await formatted(benchPage(rows, await circumstances(base)), "md"),
    );
    print(`Wrote ${PAGE}`);
  } else if (flags.write) print(`${PAGE} stays as it is: not every row was measured`);
  print(closingLine(counts));
  return counts.failed > 0 || counts.passed === 0 || (flags.strict && missed.length > 0) ? 1 : 0;
}

async function compileAll(): Promise<
  Pick<Setting, "product" | "empty" | "bare"> & { base: string }
> {
  const output = `${CACHE}/bench`;
  const product = await compileProduct({ output: `${output}/mqtt-smcp-server` });
  const empty = await compileProgram({
    entry: "scripts/bench/empty.ts",
    output: `${output}/empty`,
  });
  const bare = await compileProgram({ entry: "scripts/bench/bare.ts", output: `${output}/bare` });
  return { product, empty, bare, base: product.base };
}

/** Measures and prints; a row that cannot be measured is one that failed. */
async function measureGroup(group: Group, setting: Setting, counts: Counts): Promise<Row[]> {
  const { name, rows: expected, needs } = group;
  const missing = needs.filter((program) => findProgram(program) === undefined);
  const mayNotSkip = Deno.env.get("REQUIRE_ALL") === "1";
  if (missing.length > 0) {
    print(`Not measured, for want of ${missing.join(" and ")}: ${name} (${expected} rows)`);
    if (mayNotSkip) counts.failed += expected;
    else counts.skipped += expected;
    return [];
  }
  try {
    const rows = await group.measure(setting);
    for (const line of rows.flatMap(rowLines)) print(line);
    counts.passed += rows.length;
    return rows;
  } catch (error) {
    print(`Cannot measure ${name}: ${error instanceof Error ? error.message : error}`);
    counts.failed += expected;
    return [];
  }
}

if (import.meta.main) Deno.exit(await bench(Deno.args));
