import { type Outcomes, OUTCOMES_VARIABLE, readOutcomes } from "../tests/conformance/outcomes.ts";
import { NOT_APPLICABLE } from "../tests/conformance/scenarios.ts";
import { code, formatted, table } from "./docs/markdown.ts";
import { ROOT } from "./lib/paths.ts";
import { print } from "./lib/print.ts";
import { emptyFolder, suiteArgs } from "./lib/suite.ts";
import type { Resolution } from "./offline/resolution.ts";
import { compileForTests, countedRun } from "./test.ts";

/** The file that the page goes to. */
const PAGE = "tests/conformance/README.md";

/**
 * Runs the official conformance suite and the official inspector; under a minute. Where all of it took
 * part, the page of what came of it is written.
 *
 * @param args passed on to `deno test`; `--no-binary` leaves out compiling; `--bounded` changes nothing
 * @param from where modules come from
 * @returns the exit code: 0 only if something ran and nothing failed
 */
export async function runConformance(args: string[], from: Resolution): Promise<number> {
  const folder = await emptyFolder("conformance");
  const { env, rest } = await compileForTests(suiteArgs(args).rest);
  const { failed } = await countedRun(
    [...rest, "tests/conformance"],
    { ...env, [OUTCOMES_VARIABLE]: folder },
    from,
  );
  const page = conformancePage(await readOutcomes(folder));
  if (page === undefined || failed > 0) {
    print(`${PAGE} stays as it is: not all took part and passed`);
  } else {
    await Deno.writeTextFile(`${ROOT}/${PAGE}`, await formatted(page, "md"));
    print(`Wrote ${PAGE}`);
  }
  return failed === 0 ? 0 : 1;
}

/** The page; `undefined` where something did not take part. */
export function conformancePage({ fixture, server, inspector }: Outcomes): string | undefined {
  if (fixture === undefined || server === undefined || inspector === undefined) return undefined;
  const cell = (entry: string, name: string, passes: boolean | undefined): string =>
    passes
      ? `passes${isAboutHttp(name) ? " (the bridge)" : ""}`
      : `— (${reasonNumber(entry, name)})`;
  const rows = Object.keys(fixture).map((name) => [
    code(name),
    cell("fixture", name, fixture[name]),
    cell("server", name, server[name]),
  ]);
  const names = Object.keys(fixture).filter((name) => !isAboutHttp(name));
  const count = (outcomes: Readonly<Record<string, boolean>>): number =>
    names.filter((name) => outcomes[name]).length;
  return `# Conformance and foreign clients

${code("deno task test:conformance")} runs the official MCP conformance suite and the official MCP
inspector, and writes this page from what it saw. Both come from npm, pinned, and every package of
theirs is checked against ${code("clients.lock")}; they run on Deno. Under a minute;
${code("--bounded")} is the same.

## The conformance suite, @modelcontextprotocol/conformance 0.1.16

The suite speaks HTTP, so ${code("bridge.ts")} relays its messages, as they are, to a server process
on stdio. It has tools, resources and prompts of its own in mind; ${code("fixture/")} is a server
that has them, on the product's own lines, transport, protocol, tool boundary and errors. The other
column is the compiled server with a broker.

Of ${rows.length} scenarios, ${rows.length - names.length} are about HTTP and say something of the
bridge only. Of the other ${names.length}, ${count(fixture)} pass on the fixtures and
${count(server)} on the server. The rest do not apply, for the reasons below;
${code("not_applicable.json")} lists them, and it is a failure when one of them passes, when it
fails in another way than is written there, or when any other scenario fails.

${table(["scenario", "fixtures", "server"], rows)}

${NOT_APPLICABLE.map(({ reason }, index) => `${index + 1}. ${reason}`).join("\n")}

## The inspector, @modelcontextprotocol/inspector 2.12.0

In its command-line form, with the compiled server behind ${code("scripts/launch.ts")} and a broker.
Each result is also held against the tool's ${code("outputSchema")}, closed to properties that it
does not name.

${table(["what it does", "what came of it"], Object.entries(inspector))}
`;
}

function isAboutHttp(scenario: string): boolean {
  return scenario.startsWith("server-sse-") || scenario.startsWith("dns-");
}

function reasonNumber(entry: string, scenario: string): string {
  const index = NOT_APPLICABLE.findIndex(({ entries, scenarios }) =>
    entries.includes(entry) && scenarios.includes(scenario)
  );
  return String(index + 1);
}
