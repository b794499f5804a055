import { type Outcomes, OUTCOMES_VARIABLE, readOutcomes } from "../tests/brokers/outcomes.ts";
import { formatted, table } from "./docs/markdown.ts";
import { CACHE, ROOT } from "./lib/paths.ts";
import { print } from "./lib/print.ts";
import type { Resolution } from "./offline/resolution.ts";
import { countedRun } from "./test.ts";

/** How many columns the table has when every broker took part. */
const BROKERS = 6;

/** The file that the table goes to. */
const PAGE = "tests/brokers/README.md";

/**
 * Runs the tools on every broker that is installed. Where all took part, the table of what came of it
 * is written.
 *
 * @param args passed on to `deno test`
 * @param from where modules come from
 * @returns the exit code: 0 only if something ran and nothing failed
 */
export async function runBrokers(args: string[], from: Resolution): Promise<number> {
  const folder = `${CACHE}/brokers`;
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name } of Deno.readDir(folder)) await Deno.remove(`${folder}/${name}`);
  const env = { [OUTCOMES_VARIABLE]: folder };
  const { failed } = await countedRun([...args, "tests/brokers"], env, from);
  const outcomes = await readOutcomes(folder);
  if (outcomes.length === BROKERS) {
    await Deno.writeTextFile(`${ROOT}/${PAGE}`, await formatted(brokersPage(outcomes), "md"));
    print(`Wrote ${PAGE}`);
  } else print(`${PAGE} stays as it is: only ${outcomes.length} of ${BROKERS} brokers took part`);
  return failed === 0 ? 0 : 1;
}

/** The page: a row for each capability, a column for each broker. */
export function brokersPage(outcomes: readonly Outcomes[]): string {
  const titles = new Set(outcomes.flatMap((broker) => Object.keys(broker.outcomes)));
  const head = ["", ...outcomes.map(({ name, version }) => name.replace(/(?=,|$)/, ` ${version}`))];
  const rows = [...titles].map((
    title,
  ) => [title, ...outcomes.map((broker) => broker.outcomes[title] ?? "**failed**")]);
  return `# Every broker

\`deno task test:brokers\` runs the tools on each of these brokers, started for it on free ports of
127.0.0.1 with a password and TLS, and writes this table from what it saw. "The answer says so"
means that the tool's result names what the broker cannot do, in place of an empty success; the
tests fail where it does not.

${table(head, rows)}

Those from Debian: \`apt-get install mosquitto rabbitmq-server nats-server ejabberd\`. A broker that is
not installed is skipped, and the table then stays as it is; \`REQUIRE_ALL=1\` forbids skipping. The
suite also has three processes of the server share one \`$share\` group on Mosquitto: every message is
handled once.
`;
}
