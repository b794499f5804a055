import { Flood, prepare } from "./flood.ts";
import { LONG_RESULTS } from "./flow.ts";
import { Product } from "./product.ts";
import { type Row, toRow } from "./row.ts";
import type { Setting } from "./setting.ts";
import { summarize } from "./statistics.ts";

const TOPICS = 10_000;
/** Reads of one figure. */
const READS = 3;
/** Seconds after which a reading of either side ends, and with it the run. */
const PATIENCE_S = 20;

/** Reading stored messages: one, and very many. */
export async function measureRetained(setting: Setting): Promise<Row[]> {
  await store(setting);
  await using product = await Product.start(setting, LONG_RESULTS);
  const one = { name: "`get_retained` of 1 topic", topic: "bench/retained/7", count: 1 };
  const all = {
    name: `\`get_retained\` of ${TOPICS.toLocaleString("en")} topics under a wildcard`,
    topic: "bench/retained/+",
    count: TOPICS,
  };
  const rows: Row[] = [];
  for (const { name, topic, count } of [one, all]) {
    const read: number[] = [];
    const base: number[] = [];
    for (let round = -1; round < setting.effort.rounds; round++) {
      const program = [];
      const called = [];
      for (let i = 0; i < READS; i++) {
        program.push(await programMs(setting, topic, count));
        called.push(await callMs(product, topic, count));
      }
      if (round < 0) continue;
      read.push(summarize(called).median);
      base.push(summarize(program).median);
    }
    rows.push(toRow({
      name,
      unit: "ms",
      product: read,
      against: `\`mosquitto_sub --retained-only -v -C ${count}\`, from its start to its end`,
      base,
      mark: 1.5,
    }));
  }
  return rows;
}

async function store({ broker }: Setting): Promise<void> {
  const messages = Array.from({ length: TOPICS }, (_, i) => ({
    topic: `bench/retained/${i}`,
    payload: "21.5",
    retain: true,
  }));
  using flood = await Flood.open(broker);
  await flood.publish(prepare(messages));
  await flood.settled();
}

async function callMs(product: Product, topic: string, count: number): Promise<number> {
  const { ms, answer } = await product.timedCall("get_retained", { topic, timeout: PATIENCE_S });
  if (answer.message_count !== count || answer.complete !== true) {
    throw new Error(`Cannot compare: ${answer.message_count} of ${count} stored messages came`);
  }
  return ms;
}

async function programMs({ broker }: Setting, topic: string, count: number): Promise<number> {
  const command = new Deno.Command("mosquitto_sub", {
    args: [
      ["-h", broker.hostname, "-p", `${broker.port}`, "-t", topic, "-v"],
      ["--retained-only", "-C", `${count}`, "-W", `${PATIENCE_S}`],
    ].flat(),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  });
  const start = performance.now();
  const { stdout } = await command.output();
  const ms = performance.now() - start;
  const lines = new TextDecoder().decode(stdout).split("\n").length - 1;
  if (lines !== count) throw new Error(`Cannot compare: mosquitto_sub saw ${lines} of ${count}`);
  return ms;
}
