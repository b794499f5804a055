import { Bare } from "./bare_child.ts";
import { awaitEnd, collectUntilCancelled, LONG_RESULTS, read, requireAll } from "./flow.ts";
import { Product, readAnswer } from "./product.ts";
import { Relay } from "./relay.ts";
import { type Row, toRow } from "./row.ts";
import type { Sender } from "./sender.ts";
import type { Setting } from "./setting.ts";
import { Source } from "./source.ts";

const TOPICS = 100;
/** Rounds before the first, in which code that runs often gets compiled. */
const WARM_UP_ROUNDS = 2;

/** Receives one flow; gives messages a second. */
type Receive = () => Promise<number>;

/** Collecting messages as fast as Mosquitto forwards them. */
export async function measureCollecting(setting: Setting): Promise<Row[]> {
  using relay = await Relay.open(setting.broker);
  return [await compare(setting, relay, relay, "messages collected by a subscribe", 0.9)];
}

/** The same from a sender that never waits, which shows what each receiver could do. */
export async function measureReceiving(setting: Setting): Promise<Row[]> {
  await using forBare = new Source();
  await using forProduct = new Source();
  // What a message costs beyond MQTT.js; no broker of today sends as fast.
  const name = "the same, sent faster than any broker sends";
  return [await compare(setting, forBare, forProduct, name, null)];
}

async function compare(
  setting: Setting,
  forBare: Sender,
  forProduct: Sender,
  name: string,
  mark: number | null,
): Promise<Row> {
  await using stack = new AsyncDisposableStack();
  const { rounds, messages } = setting.effort;
  const bare = await startBare(setting, stack, forBare);
  const product = await startProduct(setting, stack, forProduct);
  const collected: number[] = [];
  const counted: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const base = await bare();
    const value = await product();
    if (round < 0) continue;
    counted.push(base);
    collected.push(value);
  }
  return toRow({
    name: `${name}, ${messages.toLocaleString("en")} a round`,
    unit: "a second",
    product: collected,
    against: "bare MQTT.js counting",
    base: counted,
    goal: "at least",
    mark,
  });
}

/** Bare MQTT.js, which counts the messages. */
async function startBare(
  setting: Setting,
  stack: AsyncDisposableStack,
  sender: Sender,
): Promise<Receive> {
  // Topics of its own, or a broker would send it the other's messages too.
  const { filter, end, topicOf } = course("bench/bare");
  const bare = stack.use(await Bare.start({ ...setting, broker: sender, protocolVersion: 5 }));
  await bare.tell({ count: { filter, end } });
  const flow = sender.makeFlow(setting.effort.messages, end, topicOf, () => filter);
  return async () => {
    const { ms, line } = await sender.flowMs(bare, flow);
    const { messages } = JSON.parse(line);
    if (messages !== flow.count) {
      throw new Error(`Cannot compare: ${messages} of ${flow.count} messages came`);
    }
    return flow.count / ms * 1_000;
  };
}

/** The product, in which a call waits for more messages all the while. */
async function startProduct(
  setting: Setting,
  stack: AsyncDisposableStack,
  sender: Sender,
): Promise<Receive> {
  const { filter, end, topicOf } = course("bench/flow");
  const product = stack.use(await Product.start({ ...setting, broker: sender }, LONG_RESULTS));
  for (const topic of [filter, end]) await read(product, topic);
  const flow = sender.makeFlow(setting.effort.messages, end, topicOf, () => filter);
  return async () => {
    const cancel = await collectUntilCancelled(product, filter);
    await awaitEnd(product, end);
    const { ms, line } = await sender.flowMs(product, flow);
    readAnswer(line);
    await cancel();
    await requireAll(product, [filter], flow.count);
    return flow.count / ms * 1_000;
  };
}

function course(
  prefix: string,
): { filter: string; end: string; topicOf: (i: number) => string } {
  return {
    filter: `${prefix}/+`,
    end: `${prefix}-end`,
    topicOf: (i) => `${prefix}/${i % TOPICS}`,
  };
}
