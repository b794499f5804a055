import { Bare } from "./bare_child.ts";
import { Child } from "./child.ts";
import { Product, readAnswer } from "./product.ts";
import { type Row, toRow } from "./row.ts";
import type { Setting } from "./setting.ts";

const MESSAGE = { topic: "bench/publish", message: "21.5" };
const PUBLISH = { ...MESSAGE, qos: 1 };
const AT_ONCE = 64;

/** Publishing through MCP: one call after the other, and many at once. */
export async function measurePublishes(setting: Setting): Promise<Row[]> {
  const { rounds, publishes } = setting.effort;
  await using echo = new Child(setting.empty.path);
  await echo.expect("+READY");
  await using bare = await Bare.start(setting);
  await using product = await Product.start(setting);
  const one: number[] = [];
  const oneBase: number[] = [];
  const many: number[] = [];
  const manyBase: number[] = [];
  // In the rounds before the first, code that runs often gets compiled.
  for (let round = -2; round < rounds; round++) {
    const few = Math.ceil(publishes / 4);
    const echoed = await echoMs(echo, product.callLine("publish", PUBLISH), few);
    const published = await bare.publishMs(MESSAGE, few, 1);
    const called = await callMs(product, few, 1);
    const publishedAtOnce = await bare.publishMs(MESSAGE, publishes, AT_ONCE);
    const calledAtOnce = await callMs(product, publishes, AT_ONCE);
    if (round < 0) continue;
    one.push(called / few);
    oneBase.push((echoed + published) / few);
    many.push(publishes / calledAtOnce * 1_000);
    manyBase.push(publishes / publishedAtOnce * 1_000);
  }
  return [
    toRow({
      name: "publish QoS 1 through MCP, one at a time",
      unit: "ms",
      product: one,
      against: "a line echoed by the empty program, plus a publish by bare MQTT.js",
      base: oneBase,
      mark: 2,
    }),
    toRow({
      name: `publish QoS 1 through MCP, ${AT_ONCE} at once`,
      unit: "a second",
      product: many,
      against: `bare MQTT.js with ${AT_ONCE} in flight`,
      base: manyBase,
      goal: "at least",
      mark: 0.3,
    }),
  ];
}

async function echoMs(echo: Child, line: string, count: number): Promise<number> {
  const { ms } = await echo.converse(new Array(count).fill(line), 1);
  return ms;
}

async function callMs(product: Product, count: number, atOnce: number): Promise<number> {
  const lines = Array.from({ length: count }, () => product.callLine("publish", PUBLISH));
  const { ms, answers } = await product.converse(lines, atOnce);
  answers.forEach(readAnswer);
  return ms;
}
