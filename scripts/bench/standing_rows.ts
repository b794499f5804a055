import { Flood } from "./flood.ts";
import {
  accounted,
  awaitEnd,
  type Flow,
  flowMs,
  LONG_RESULTS,
  makeFlow,
  read,
  requireAll,
} from "./flow.ts";
import { Product, readAnswer } from "./product.ts";
import { type Row, toRow } from "./row.ts";
import type { Setting } from "./setting.ts";
import { summarize } from "./statistics.ts";

/** As many as an inbox holds: nothing is dropped, which would cost the one subscription more. */
const MESSAGES = 10_000;
const TOPICS = 1_000;
/** Flows of one figure. */
const FLOWS = 3;

/** A product with some standing subscriptions, of which each message matches exactly one. */
interface Case {
  readonly count: number;
  readonly product: Product;
  readonly filters: readonly string[];
  readonly flow: Flow;
  readonly end: string;
  readonly rounds: number[];
  flows: number;
}

/** What a message costs beside few and many standing subscriptions; the messages are the same. */
export async function measureStanding(setting: Setting): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const flood = stack.use(await Flood.open(setting.broker));
  const cases: Case[] = [];
  for (const count of [1, 100, TOPICS]) {
    const product = stack.use(await Product.start(setting, LONG_RESULTS));
    cases.push(await prepareCase(product, count));
  }
  for (let round = -1; round < setting.effort.rounds; round++) {
    for (const it of cases) {
      const times = [];
      for (let i = 0; i < FLOWS; i++) times.push(await run(it, flood));
      if (round >= 0) it.rounds.push(summarize(times).median / MESSAGES * 1_000);
    }
  }
  for (const { product, filters, flows } of cases) {
    if (filters.length > 1) requireAll(await drain(product, filters), flows * MESSAGES);
  }
  const [one, ...more] = cases;
  return more.map(({ count, rounds }) =>
    toRow({
      name: `cost of a message with ${count.toLocaleString("en")} standing subscriptions`,
      unit: "µs",
      product: rounds,
      against: "itself with 1",
      base: one?.rounds ?? [],
      mark: 1.3,
    })
  );
}

async function prepareCase(product: Product, count: number): Promise<Case> {
  const prefix = `bench/with${count.toString().padStart(4, "0")}`;
  const end = `${prefix}/end`;
  // Every flow is over the same thousand topics, of two levels; only the filters are fewer.
  const topicOf = (i: number): string => `${prefix}/${i % 10}/${Math.floor(i / 10) % 100}`;
  const filters = filtersOf(prefix, count);
  for (const filter of [...filters, end]) await read(product, filter);
  const flow = makeFlow(MESSAGES, end, topicOf);
  return { count, product, filters, flow, end, rounds: [], flows: 0 };
}

function filtersOf(prefix: string, count: number): string[] {
  if (count === 1) return [`${prefix}/+/+`];
  const seconds = Array.from({ length: 100 }, (_, i) => i);
  if (count === seconds.length) return seconds.map((second) => `${prefix}/+/${second}`);
  return seconds.flatMap((second) =>
    Array.from({ length: 10 }, (_, first) => `${prefix}/${first}/${second}`)
  );
}

async function run(it: Case, flood: Flood): Promise<number> {
  const { product, filters, flow, end } = it;
  await awaitEnd(product, end);
  const { ms, line } = await flowMs(product, flood, flow);
  readAnswer(line);
  it.flows++;
  // The one subscription's inbox is full now; those of many have room for all flows.
  if (filters.length === 1) requireAll(await drain(product, filters), MESSAGES);
  return ms;
}

async function drain(product: Product, filters: readonly string[]): Promise<number> {
  let sum = 0;
  for (const filter of filters) sum += accounted(await read(product, filter));
  return sum;
}
