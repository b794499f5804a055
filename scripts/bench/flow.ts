import type { Child } from "./child.ts";
import { type Flood, type FloodMessage, prepare } from "./flood.ts";
import type { Product, ToolAnswer } from "./product.ts";

/** Characters that a result may have, for the rows whose results are long: the most that it takes. */
export const LONG_RESULTS = { MQTT_MAX_RESULT_CHARS: 10_000_000 };

const PAYLOAD = "0123456789".repeat(10);
/** Seconds after which a call gives up, and with it the run. */
const PATIENCE_S = 60;

/** Messages of 100 bytes, behind them one on another topic that says they are all in. */
export interface Flow {
  /** Ready to be published. */
  readonly bytes: Uint8Array;
  /** How many, the one behind not counted. */
  readonly count: number;
}

/** Makes a flow of `count` messages, of which the topic of each is `topicOf` its number. */
export function makeFlow(count: number, end: string, topicOf: (i: number) => string): Flow {
  function* messages(): Generator<FloodMessage> {
    for (let i = 0; i < count; i++) yield { topic: topicOf(i), payload: PAYLOAD };
    yield { topic: end, payload: "" };
  }
  return { bytes: prepare(messages()), count };
}

/** Has the product wait for the message behind a flow; its next line will be the answer. */
export async function awaitEnd(product: Product, end: string): Promise<void> {
  const args = { topic: end, timeout: PATIENCE_S, max_messages: 1, include_retained: false };
  await product.writeLine(product.callLine("subscribe", args));
}

/** Publishes a flow; gives the milliseconds until `receiver` writes its next line, and that line. */
export async function flowMs(
  receiver: Child,
  flood: Flood,
  flow: Flow,
): Promise<{ ms: number; line: string }> {
  const start = performance.now();
  const publishing = flood.publish(flow.bytes);
  const line = await receiver.readLine();
  const ms = performance.now() - start;
  await publishing;
  return { ms, line };
}

/** Makes a subscription stand, or reads what one that stands holds. */
export async function read(product: Product, topic: string): Promise<ToolAnswer> {
  return await product.call("subscribe", { topic, timeout: 0, include_retained: false });
}

/** How many messages the answer of a last subscribe call accounts for. */
export function accounted(answer: ToolAnswer): number {
  return Number(answer.message_count) + Number(answer.remaining) + Number(answer.dropped);
}

/**
 * Checks that nothing was lost.
 *
 * @throws {Error} when other than all messages are accounted for
 */
export function requireAll(seen: number, published: number): void {
  if (seen === published) return;
  throw new Error(`Cannot compare: ${published} were published, ${seen} are accounted for`);
}
