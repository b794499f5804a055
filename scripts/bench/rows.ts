import { connectPeer } from "../../tests/support/mqtt_client.ts";
import { Child } from "./child.ts";
import { type Sample, summarize } from "./statistics.ts";

/** One row of the table: the product against what it is measured by. */
export interface Row {
  readonly name: string;
  readonly unit: "ms" | "MB";
  readonly product: Sample;
  /** What the product is measured by, in words. */
  readonly against: string;
  readonly base: Sample;
  /** How the two compare: as a quotient, or as a difference in `unit`. */
  readonly by: "ratio" | "difference";
  /** The most that the comparison may come to. */
  readonly mark: number;
}

/** What is measured, and with what. */
export interface Setting {
  /** The compiled product. */
  readonly product: { readonly path: string; readonly bytes: number };
  /** The empty program, compiled the same way. */
  readonly empty: { readonly path: string; readonly bytes: number };
  readonly broker: { readonly hostname: string; readonly port: number };
  /** The version that broker and product settle on: 5, or 4 for MQTT 3.1.1. */
  readonly protocolVersion: 4 | 5;
}

const STARTS = 25;
const MEMORY_RUNS = 7;
const MEMORY_CALLS = 100;
const PUBLISH_ROUNDS = 20;
/** Rounds before those, in which code that runs often gets compiled. */
const WARM_UP_ROUNDS = 10;
const PUBLISHES_A_ROUND = 100;
/** Milliseconds after which a round ends early, lest a slow broker make the whole run long. */
const ROUND_MS = 400;
const RETAINED_READS = 50;
const WAITS = 3;

const TOPIC = "bench/topic";
const PUBLISH = { topic: TOPIC, message: "21.5", qos: 1 };

/** Measures every row; the programs take turns, so that a drift of the machine cancels out. */
export async function measure(setting: Setting): Promise<Row[]> {
  return [
    ...await measureStarts(setting),
    ...await measureMemory(setting),
    await measurePublish(setting),
    await measureRetained(setting),
    compareSizes(setting),
  ];
}

async function measureStarts(setting: Setting): Promise<Row[]> {
  const ready: number[] = [];
  const published: number[] = [];
  const empty: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    {
      await using child = new Child(setting.empty.path);
      await child.expect("+READY");
      empty.push(child.age);
    }
    await using child = new Child(setting.product.path);
    await child.expect("+READY");
    ready.push(child.age);
    await child.connect(credentials(setting));
    await child.call("publish", PUBLISH);
    published.push(child.age);
  }
  const common = {
    unit: "ms",
    against: "the empty program's first line",
    base: summarize(empty),
    by: "ratio",
  } as const;
  return [
    { ...common, name: "spawn to +READY", product: summarize(ready), mark: 1.25 },
    {
      ...common,
      name: "spawn to first publish acknowledged",
      product: summarize(published),
      mark: 6,
    },
  ];
}

async function measureMemory(setting: Setting): Promise<Row[]> {
  const product: number[] = [];
  const empty: number[] = [];
  for (let i = 0; i < MEMORY_RUNS; i++) {
    {
      await using child = new Child(setting.empty.path);
      await child.expect("+READY");
      const kib = await child.residentKiB();
      if (kib === undefined) return [];
      empty.push(kib * 1_024 / 1e6);
    }
    await using child = new Child(setting.product.path);
    await child.expect("+READY");
    await child.connect(credentials(setting));
    for (let call = 0; call < MEMORY_CALLS; call += 2) {
      await child.call("publish", { ...PUBLISH, retain: true });
      await child.call("get_retained", { topic: TOPIC });
    }
    product.push((await child.residentKiB() ?? 0) * 1_024 / 1e6);
  }
  return [{
    name: `VmRSS after ${MEMORY_CALLS} calls`,
    unit: "MB",
    product: summarize(product),
    against: "the empty program's VmRSS after its first line",
    base: summarize(empty),
    by: "ratio",
    mark: 2.3,
  }];
}

async function measurePublish(setting: Setting): Promise<Row> {
  const { hostname, port } = setting.broker;
  await using echo = new Child(setting.empty.path);
  await echo.expect("+READY");
  await using product = new Child(setting.product.path);
  await product.expect("+READY");
  await product.connect(credentials(setting));
  await using peer = await connectPeer(`mqtt://${hostname}:${port}`, {
    protocolVersion: setting.protocolVersion,
  });
  const params = { name: "publish", arguments: PUBLISH };
  const line = JSON.stringify({ jsonrpc: "2.0", id: 1_000, method: "tools/call", params });
  const called: number[] = [];
  const base: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < PUBLISH_ROUNDS; round++) {
    const echoed = await meanMs(async () => {
      await echo.writeLine(line);
      await echo.expect(line);
    });
    const bare = await meanMs(() => peer.publish(TOPIC, PUBLISH.message));
    const mcp = await meanMs(() => product.call("publish", PUBLISH));
    if (round < 0) continue;
    called.push(mcp);
    base.push(echoed + bare);
  }
  return {
    name: "publish QoS 1 through MCP, a call",
    unit: "ms",
    product: summarize(called),
    against: "one line echoed by the empty program + one bare MQTT.js publish",
    base: summarize(base),
    by: "ratio",
    mark: 3,
  };
}

async function meanMs(operation: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let elapsed = 0;
  let count = 0;
  while (count < PUBLISHES_A_ROUND && elapsed < ROUND_MS) {
    await operation();
    count++;
    elapsed = performance.now() - start;
  }
  return elapsed / count;
}

async function measureRetained(setting: Setting): Promise<Row> {
  await using product = new Child(setting.product.path);
  await product.expect("+READY");
  await product.connect(credentials(setting));
  await product.call("publish", { ...PUBLISH, retain: true });
  const reads: number[] = [];
  const waits: number[] = [];
  const timed = async (into: number[], name: string, args: Record<string, unknown>) => {
    const start = performance.now();
    await product.call(name, args);
    into.push(performance.now() - start);
  };
  // The first call sets the subscription up; those after it only wait.
  await product.call("subscribe", { topic: "bench/silent", timeout: 0 });
  for (let i = 0; i < RETAINED_READS; i++) await timed(reads, "get_retained", { topic: TOPIC });
  for (let i = 0; i < WAITS; i++) {
    await timed(waits, "subscribe", { topic: "bench/silent", timeout: 1 });
  }
  return {
    name: "get_retained of one exact topic",
    unit: "ms",
    product: summarize(reads),
    against: "a subscribe that waits in vain for 1 s",
    base: summarize(waits),
    by: "ratio",
    mark: 0.05,
  };
}

function compareSizes({ product, empty }: Setting): Row {
  return {
    name: "size of the binary",
    unit: "MB",
    product: summarize([product.bytes / 1e6]),
    against: "the empty program's binary",
    base: summarize([empty.bytes / 1e6]),
    by: "difference",
    mark: 3,
  };
}

function credentials({ broker }: Setting): Record<string, unknown> {
  return { MQTT_BROKER: broker.hostname, MQTT_PORT: broker.port, LOG_LEVEL: "ERROR" };
}
