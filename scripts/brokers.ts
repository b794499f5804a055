import { type Outcomes, OUTCOMES_VARIABLE, readOutcomes } from "../tests/brokers/outcomes.ts";
import { formatted, table } from "./docs/markdown.ts";
import { ROOT } from "./lib/paths.ts";
import { print } from "./lib/print.ts";
import { emptyFolder, suiteArgs } from "./lib/suite.ts";
import type { Resolution } from "./offline/resolution.ts";
import { countedRun } from "./test.ts";

/** How many columns the table has when every broker took part. */
const BROKERS = 7;

/** The file that the table goes to. */
const PAGE = "tests/brokers/README.md";

/**
 * Runs the tools on every broker that is installed. Where all took part and nothing failed, the table of
 * what came of it is written.
 *
 * @param args passed on to `deno test`; `--bounded` leaves the table as it is
 * @param from where modules come from
 * @returns the exit code: 0 only if something ran and nothing failed
 */
export async function runBrokers(args: string[], from: Resolution): Promise<number> {
  const folder = await emptyFolder("brokers");
  const env = { [OUTCOMES_VARIABLE]: folder };
  // All of it takes little more than a minute: there is no test to leave out.
  const { bounded, rest } = suiteArgs(args);
  const { failed } = await countedRun([...rest, "tests/brokers"], env, from);
  const outcomes = await readOutcomes(folder);
  if (outcomes.length === BROKERS && failed === 0 && !bounded) {
    await Deno.writeTextFile(`${ROOT}/${PAGE}`, await formatted(brokersPage(outcomes), "md"));
    print(`Wrote ${PAGE}`);
  } else print(`${PAGE} stays as it is: ${outcomes.length} of ${BROKERS} brokers took part`);
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
127.0.0.1 with a password and TLS, and writes this table from what it saw. A cell is "works", or
"says so": there the answer of the tool names what the broker does not do, by a note, a hint or the
error code given here, in place of an empty success. The tests fail on anything else.

${table(head, rows)}

Those from Debian: \`apt-get install mosquitto rabbitmq-server nats-server ejabberd\`. A broker that is
not installed is skipped, and the table then stays as it is; \`REQUIRE_ALL=1\` forbids skipping. The
suite also has three processes of the server share one \`$share\` group on Mosquitto: every message is
handled once.

Where a broker of MQTT 3.1.1 sends a copy of each message for each overlapping filter (NATS, and
ejabberd when it is told to speak 3.1.1), the copies are told from repetitions by their order. NATS
sends them in batches at QoS 1: every message is still taken once, but of equal messages in one burst
nobody can tell which place in the order is whose. With overlapping filters at QoS 1 and a burst of a
thousand messages, NATS 2.9.10 stopped sending, to a bare client as well; at QoS 0 it did not.
`;
}
