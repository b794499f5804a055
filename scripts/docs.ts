/**
 * Writes what the sources say of themselves into the docs: the marked sections of README.md, and the
 * snapshot of the tools' schemas. Usage: `deno task docs [--check]`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { listTools } from "./docs/list_tools.ts";
import { formatted } from "./docs/markdown.ts";
import {
  credentialsSection,
  filesSection,
  replaceSections,
  toolListSection,
  toolsSection,
} from "./docs/sections.ts";
import { ROOT } from "./lib/paths.ts";
import { print, printError } from "./lib/print.ts";

const USAGE = `Usage: deno task docs [--check]

--check  writes nothing; exit code 1 when something is out of date`;

/** The files that hold something generated, as they should be. */
async function upToDate(): Promise<Record<string, string>> {
  const tools = await listTools();
  const readme = replaceSections(await Deno.readTextFile(`${ROOT}/README.md`), {
    credentials: credentialsSection(),
    files: await filesSection(),
    "tool list": toolListSection(tools),
    tools: toolsSection(tools),
  });
  return {
    "README.md": await formatted(readme, "md"),
    "tests/tools/schemas.json": await formatted(JSON.stringify(tools, null, 2), "json"),
  };
}

/**
 * Writes or checks.
 *
 * @returns the exit code: 2 for a wrong argument, 1 when a check fails
 */
async function docs(args: string[]): Promise<number> {
  const wrong: string[] = [];
  const flags = parseArgs(args, {
    boolean: ["check", "help"],
    unknown: (arg: string) => wrong.push(arg) < 0,
  });
  if (flags.help || wrong.length > 0) {
    (wrong.length > 0 ? printError : print)(USAGE);
    return wrong.length > 0 ? 2 : 0;
  }
  let stale = 0;
  for (const [file, text] of Object.entries(await upToDate())) {
    const path = `${ROOT}/${file}`;
    if (await Deno.readTextFile(path).catch(() => "") === text) continue;
    stale++;
    if (!flags.check) await Deno.writeTextFile(path, text);
    print(flags.check ? `${file} is out of date: run deno task docs` : `Wrote ${file}`);
  }
  return flags.check && stale > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await docs(Deno.args));
