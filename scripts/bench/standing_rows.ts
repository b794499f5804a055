import { awaitEnd, LONG_RESULTS, read, requireAll } from "./flow.ts";
import { Product, readAnswer } from "./product.ts";
import { type Row, toRow } from "./row.ts";
import type { Flow } from "./sender.ts";
import type { Setting } from "./setting.ts";
import { Source } from "./source.ts";
import { summarize } from "./statistics.ts";

/** As many as an inbox holds: nothing is dropped, which would cost the one subscription more. */
const MESSAGES = 10_000;
/** Flows of one figure, in turns with those of the other cases. */
const FLOWS = 5;
/** Rounds before the first, in which code that runs often gets compiled. */
const WARM_UP_ROUNDS = 2;
const END = "bench/end";

/** A product with some standing subscriptions, of which each message matches exactly one. */
interface Case {
  readonly source: Source;
  readonly product: Product;
  readonly filters: readonly string[];
  readonly flow: Flow;
  /** Microseconds a message, for each round. */
  readonly costs: number[];
}

/** What a message costs beside few and many standing subscriptions; the messages are the same. */
export async function measureStanding(setting: Setting): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const one = await prepareCase(setting, stack, 10, 100);
  const hundred = await prepareCase(setting, stack, 10, 1);
  const thousand = await prepareCase(setting, stack, 1, 1);
  const cases = [one, hundred, thousand];
  for (let round = -WARM_UP_ROUNDS; round < setting.effort.rounds; round++) {
    const times = cases.map((): number[] => []);
    for (let i = 0; i < FLOWS; i++) {
      for (const [k, it] of cases.entries()) times[k]?.push(await flowMs(it));
    }
    if (round < 0) continue;
    for (const [k, { costs }] of cases.entries()) {
      costs.push(summarize(times[k] ?? []).median / MESSAGES * 1_000);
    }
  }
  return [hundred, thousand].map(({ filters, costs }) =>
    toRow({
      name: `cost of a message, ${filters.length.toLocaleString("en")} standing subscriptions`,
      unit: "µs",
      product: costs,
      against: "itself with 1",
      base: one.costs,
      mark: 1.3,
    })
  );
}

/**
 * The topics are `bench/0/0` to `bench/9/99` in each case.
 *
 * @param first how many values of the first level one filter is for: 1, or 10 for all
 * @param second the same for the second level: 1, or 100 for all
 */
async function prepareCase(
  setting: Setting,
  stack: AsyncDisposableStack,
  first: 1 | 10,
  second: 1 | 100,
): Promise<Case> {
  const source = stack.use(new Source());
  const product = stack.use(await Product.start({ ...setting, broker: source }, LONG_RESULTS));
  const levels = (i: number): [number, number] => [i % 10, Math.floor(i / 10) % 100];
  const topicOf = (i: number): string => `bench/${levels(i).join("/")}`;
  const filterOf = (i: number): string => {
    const [a, b] = levels(i);
    return `bench/${first === 1 ? a : "+"}/${second === 1 ? b : "+"}`;
  };
  const filters = [...new Set(Array.from({ length: 1_000 }, (_, i) => filterOf(i)))];
  for (const filter of [...filters, END]) await read(product, filter);
  const flow = source.makeFlow(MESSAGES, END, topicOf, filterOf);
  return { source, product, filters, flow, costs: [] };
}

async function flowMs({ source, product, filters, flow }: Case): Promise<number> {
  await awaitEnd(product, END);
  const { ms, line } = await source.flowMs(product, flow);
  readAnswer(line);
  // Read at once in each case, or the memory of what stands would be measured too.
  await requireAll(product, filters, MESSAGES);
  return ms;
}
