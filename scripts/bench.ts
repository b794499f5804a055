/**
 * The benchmark: one table of what the compiled product costs, each row against something measured
 * in the same run. Usage: `deno task bench [--strict]`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { startAedes } from "../tests/support/aedes.ts";
import { startMosquitto } from "../tests/support/mosquitto.ts";
import { mosquittoAvailable } from "../tests/support/tools.ts";
import { measure, type Setting } from "./bench/rows.ts";
import { holds, tableLines } from "./bench/table.ts";
import { compileProgram } from "./compile/program.ts";
import { CACHE } from "./lib/paths.ts";
import { print, printError } from "./lib/print.ts";

const USAGE = `Usage: deno task bench [--strict]

--strict  exit code 1 when a mark is missed`;

/**
 * Compiles, measures and prints.
 *
 * @returns the exit code: 2 for a wrong argument, 1 when a mark is missed and that is asked for
 */
async function bench(args: string[]): Promise<number> {
  const wrong: string[] = [];
  const flags = parseArgs(args, {
    boolean: ["strict", "help"],
    unknown: (arg: string) => wrong.push(arg) < 0,
  });
  if (flags.help || wrong.length > 0) {
    (wrong.length > 0 ? printError : print)(USAGE);
    return wrong.length > 0 ? 2 : 0;
  }
  const output = `${CACHE}/bench`;
  const product = await compileProgram({
    entry: "main.ts",
    include: ["src/worker.ts"],
    output: `${output}/mqtt-smcp-server`,
  });
  const empty = await compileProgram({
    entry: "scripts/bench/empty.ts",
    output: `${output}/empty`,
  });
  print(`Compiled on ${product.base}`);
  const withMosquitto = mosquittoAvailable();
  await using broker = withMosquitto
    ? await startMosquitto({ verbose: false })
    : await startAedes();
  const setting: Setting = {
    product,
    empty,
    broker: { hostname: broker.hostname, port: broker.port },
    protocolVersion: withMosquitto ? 5 : 4,
  };
  print(
    withMosquitto ? "Broker: Mosquitto, set_tcp_nodelay true" : "Broker: Aedes, in this process",
  );
  print("Medians, and from the least to the greatest in brackets\n");
  const rows = await measure(setting);
  for (const line of tableLines(rows)) print(line);
  const missed = rows.filter((row) => !holds(row));
  print(`\n${rows.length - missed.length} of ${rows.length} marks kept`);
  const [load = 0] = Deno.loadavg();
  if (load > navigator.hardwareConcurrency) {
    print(`This machine is busy (load ${load.toFixed(1)}): the figures are worth little`);
  }
  return flags.strict && missed.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await bench(Deno.args));
