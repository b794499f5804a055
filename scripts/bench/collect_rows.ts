import { Bare } from "./bare_child.ts";
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
import { Product, readAnswer, type ToolAnswer } from "./product.ts";
import { type Row, toRow } from "./row.ts";
import type { Setting } from "./setting.ts";

const FILTER = "bench/flow/#";
const END = "bench/end";
/** The longest that a call waits, in seconds. */
const LONGEST_S = 300;

/** Collecting messages, as fast as they come. */
export async function measureCollecting(setting: Setting): Promise<Row[]> {
  const { rounds, messages } = setting.effort;
  const flow = makeFlow(messages, END, (i) => `bench/flow/${i % 100}`);
  using flood = await Flood.open(setting.broker);
  const collected: number[] = [];
  const counted: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const bareMs = await countFlow(setting, flood, flow);
    const productMs = await collectFlow(setting, flood, flow);
    if (round < 0) continue;
    counted.push(messages / bareMs * 1_000);
    collected.push(messages / productMs * 1_000);
  }
  return [toRow({
    name: "messages collected by a subscribe",
    unit: "a second",
    product: collected,
    against: "bare MQTT.js counting",
    base: counted,
    goal: "at least",
    mark: 0.9,
  })];
}

/** Milliseconds until bare MQTT.js has counted a flow; its code is warm then. */
async function countFlow(setting: Setting, flood: Flood, flow: Flow): Promise<number> {
  await using bare = await Bare.start(setting);
  await bare.tell({ count: { filter: FILTER, end: END } });
  let last = 0;
  for (let turn = 0; turn < 2; turn++) {
    const { ms, line } = await flowMs(bare, flood, flow);
    requireAll(JSON.parse(line).messages, flow.count);
    last = ms;
  }
  return last;
}

/** Milliseconds until a call that waits has collected a flow; its code is warm then. */
async function collectFlow(setting: Setting, flood: Flood, flow: Flow): Promise<number> {
  await using product = await Product.start(setting, LONG_RESULTS);
  let last = 0;
  for (let turn = 0; turn < 2; turn++) {
    await read(product, FILTER);
    await read(product, END);
    const args = { topic: FILTER, timeout: LONGEST_S, include_retained: false };
    await product.writeLine(product.callLine("subscribe", args));
    await awaitEnd(product, END);
    const { ms, line } = await flowMs(product, flood, flow);
    readAnswer(line);
    requireAll(accounted(await endCollecting(product)), flow.count);
    last = ms;
  }
  return last;
}

/** Ends the subscription, which ends the call that collects; gives that call's answer. */
async function endCollecting(product: Product): Promise<ToolAnswer> {
  await product.writeLine(product.callLine("unsubscribe", { topic: FILTER }));
  const answers = [readAnswer(await product.readLine()), readAnswer(await product.readLine())];
  const collected = answers.find(({ message_count }) => message_count !== undefined);
  if (collected === undefined) throw new Error("Cannot go on: the collecting call has no answer");
  return collected;
}
