/**
 * Compiles the product to `dist/`. Usage: `deno task compile [--target T | --all]`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { compileProduct } from "./compile/product.ts";
import { distPath } from "./compile/program.ts";
import { parseTarget, type Target, TARGETS } from "./compile/targets.ts";
import { complain, print } from "./lib/print.ts";

const USAGE = `Usage: deno task compile [--target T | --all]

Without a flag: this machine's binary, dist/mqtt-smcp-server.
--target T  dist/mqtt-smcp-server-T, T one of
            ${TARGETS.join("\n            ")}
--all       one for each of them`;

/**
 * Compiles what the arguments ask for, and says on which base.
 *
 * @returns the exit code: 2 for a wrong argument, 1 if something could not be compiled
 */
export async function main(args: string[]): Promise<number> {
  const wrong: string[] = [];
  const flags = parseArgs(args, {
    boolean: ["all", "help"],
    string: ["target"],
    unknown: (arg: string) => wrong.push(arg) < 0,
  });
  if (flags.help) {
    print(USAGE);
    return 0;
  }
  let targets: readonly (Target | undefined)[];
  try {
    if (wrong.length > 0) throw new Error(`Cannot compile: unknown argument ${wrong.join(" ")}`);
    targets = flags.all ? TARGETS : [flags.target ? parseTarget(flags.target) : undefined];
  } catch (error) {
    return complain(error, 2);
  }
  try {
    await compileAll(targets);
    return 0;
  } catch (error) {
    return complain(error, 1);
  }
}

async function compileAll(targets: readonly (Target | undefined)[]): Promise<void> {
  for (const target of targets) {
    const made = await compileProduct({
      output: distPath(target),
      ...(target === undefined ? {} : { target }),
    });
    const mib = (made.bytes / 2 ** 20).toFixed(1);
    print(`Compiled ${made.path} (${mib} MiB) on ${made.base}`);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
