import { findProgram } from "../../tests/support/tools.ts";
import { table } from "../docs/markdown.ts";
import { run } from "../lib/process.ts";
import type { Row } from "./row.ts";
import { cells, HEAD } from "./table.ts";

/** The file that the table goes to. */
export const PAGE = "scripts/bench/README.md";

/**
 * The page: the table, on what it was measured, and how.
 *
 * @param on what it was measured on, in words
 */
export function benchPage(rows: readonly Row[], on: string): string {
  return `# What it costs

Written by \`deno task bench --write\`, from one run. ${on}

${table(HEAD, rows.map(cells))}

Each figure is the median of several rounds, with the least and the greatest in brackets. In every
round the product and what it is measured against take turns, and "comes to" is the median of the
rounds' own quotients: a machine that is slow for a while is so for both. All programs are compiled
the same way on the same base, and run on one machine with the broker and the bench.

- **The empty program** writes one line and echoes what it reads. Start-up is counted from the spawn
  to the line's arrival at the parent.
- **Memory** is VmRSS: idle after one publish; then after messages of 100 bytes, which calls collect
  and return in results of the usual length.
- **Publish**: requests are written as ready-made lines, and answers are checked after the time is
  taken. Bare MQTT.js publishes in a compiled program of its own. The broker has
  \`set_tcp_nodelay true\`.
- **Collecting**: a publisher writes ready-made packets at QoS 0, of 100 bytes each, while a
  subscribe call waits; the time ends when the message behind them has been answered. All of them
  must then be accounted for: returned, left for the next call, or counted as dropped (an inbox
  holds 10,000). Forwarding them, the broker is as busy as the receiver. The row below it therefore
  has no broker: the bench itself sends, faster than either side can read. It shows what a message
  costs here beyond MQTT.js.
- **\`get_retained\`** is asked for results long enough to hold everything, and must be complete;
  \`mosquitto_sub\` counts from its start to its end, as whoever calls it waits for that.
- **Standing subscriptions**: the same messages over 1,000 topics, each of which matches exactly one
  of 1, 100 or 1,000 filters; sent without a broker, as above.

\`deno task bench --bounded\` measures less often, in about a minute; \`--only GROUP\` measures some
rows; \`--strict\` fails on a missed mark. A row that cannot be measured fails always. Without
Mosquitto and its clients the rows that need them are skipped.
`;
}

/** What a run was measured on, in words. */
export async function circumstances(base: string): Promise<string> {
  const { os, arch } = Deno.build;
  const machine = `${os} ${arch} with ${navigator.hardwareConcurrency} cores`;
  const [load = 0] = Deno.loadavg();
  return `${
    new Date().toISOString().slice(0, 10)
  }, ${machine}; bench on Deno ${Deno.version.deno}, ` +
    `programs on ${base}; broker ${await brokerVersion()}; load at the end ${
      load.toFixed(1)
    }, of ` +
    "which the bench itself makes up to 2.";
}

async function brokerVersion(): Promise<string> {
  const program = findProgram("mosquitto");
  if (program === undefined) return "Aedes";
  const { stdout } = await run(program, ["-h"], { deadlineMs: 5_000 });
  return `Mosquitto ${/version (\S+)/.exec(stdout)?.[1] ?? ""}`;
}
