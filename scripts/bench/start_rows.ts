import { Child } from "./child.ts";
import { Product } from "./product.ts";
import { type Row, toRow } from "./row.ts";
import type { Setting } from "./setting.ts";
import { summarize } from "./statistics.ts";

/** Processes of each program spawned in a round, in turns. */
const SPAWNS = 3;

/** How long it takes from the spawn to being of use. */
export async function measureStarts(setting: Setting): Promise<Row[]> {
  const ready: number[] = [];
  const published: number[] = [];
  const empty: number[] = [];
  for (let round = 0; round < setting.effort.startRounds; round++) {
    const times: { ready: number[]; published: number[]; empty: number[] } = {
      ready: [],
      published: [],
      empty: [],
    };
    for (let i = 0; i < SPAWNS; i++) {
      {
        await using child = new Child(setting.empty.path);
        await child.expect("+READY");
        times.empty.push(child.age);
      }
      await using child = new Product(setting);
      await child.expect("+READY");
      times.ready.push(child.age);
      await child.connect();
      await child.call("publish", { topic: "bench/start", message: "21.5", qos: 1 });
      times.published.push(child.age);
    }
    ready.push(summarize(times.ready).median);
    published.push(summarize(times.published).median);
    empty.push(summarize(times.empty).median);
  }
  const common = {
    unit: "ms",
    against: "an empty compiled program's first line",
    base: empty,
  } as const;
  return [
    toRow({ ...common, name: "spawn to `+READY`", product: ready, mark: 1.15 }),
    toRow({ ...common, name: "spawn to first publish acknowledged", product: published, mark: 5 }),
  ];
}

/** How much larger the binary is than it would be without the product in it. */
export function compareSizes({ product, empty }: Setting): Row {
  return toRow({
    name: "size of the binary",
    unit: "MB",
    product: [product.bytes / 1e6],
    against: "an empty compiled program's",
    base: [empty.bytes / 1e6],
    by: "difference",
    mark: 3,
  });
}
