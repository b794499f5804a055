import { Child } from "./child.ts";
import { Flood, prepare } from "./flood.ts";
import { read } from "./flow.ts";
import { Product } from "./product.ts";
import { type Row, toRow } from "./row.ts";
import type { Setting } from "./setting.ts";

/** Messages after which memory must not grow any more. */
const MESSAGES = 100_000;
/** Messages that are published before a reader is asked for them. */
const BATCH = 1_000;
/** What "no growth" allows for: a heap is not collected at the same point each time. */
const NO_GROWTH = 1.05;
const TOPIC = "bench/memory";

/** Resident memory: idle, and when messages have gone through. Nothing where the system is silent. */
export async function measureMemory(setting: Setting): Promise<Row[]> {
  const empty: number[] = [];
  const idle: number[] = [];
  const after: number[] = [];
  const later: number[] = [];
  const payload = "0123456789".repeat(10);
  const batch = prepare(Array.from({ length: BATCH }, () => ({ topic: TOPIC, payload })));
  using flood = await Flood.open(setting.broker);
  for (let round = 0; round < setting.effort.memoryRounds; round++) {
    {
      await using child = new Child(setting.empty.path);
      await child.expect("+READY");
      empty.push(await residentMB(child));
    }
    await using product = await Product.start(setting);
    await product.call("publish", { topic: TOPIC, message: "21.5", qos: 1 });
    idle.push(await residentMB(product));
    await read(product, TOPIC);
    await pass(product, flood, batch, MESSAGES);
    after.push(await residentMB(product));
    await pass(product, flood, batch, 2 * MESSAGES);
    later.push(await residentMB(product));
  }
  const many = MESSAGES.toLocaleString("en");
  const common = { unit: "MB", against: "an empty compiled program's", base: empty } as const;
  return [
    toRow({ ...common, name: "memory, idle", product: idle, mark: 1.8 }),
    toRow({ ...common, name: `memory after ${many} messages`, product: after, mark: 1.8 }),
    toRow({
      name: `memory after ${(3 * MESSAGES).toLocaleString("en")} messages`,
      unit: "MB",
      product: later,
      against: `the same process after ${many}`,
      base: after,
      mark: NO_GROWTH,
    }),
  ];
}

/** Has messages collected and returned by calls until all were. */
async function pass(
  product: Product,
  flood: Flood,
  batch: Uint8Array,
  count: number,
): Promise<void> {
  for (let passed = 0; passed < count; passed += BATCH) {
    await flood.publish(batch);
    for (let left = BATCH; left > 0;) {
      const wish = { topic: TOPIC, timeout: 20, max_messages: left, include_retained: false };
      const { message_count, dropped } = await product.call("subscribe", wish);
      if (message_count === 0 || dropped !== 0) throw new Error("Cannot go on: messages are lost");
      left -= Number(message_count);
    }
  }
}

async function residentMB(child: Child): Promise<number> {
  return (await child.residentKiB() ?? NaN) * 1_024 / 1e6;
}
