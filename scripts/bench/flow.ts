import { type Product, readAnswer, type ToolAnswer } from "./product.ts";

/** Characters that a result may have, for the rows whose results are long: the most that it takes. */
export const LONG_RESULTS = { MQTT_MAX_RESULT_CHARS: 10_000_000 };

/** The longest that a call waits, in seconds: then it gives up, and with it the run. */
const LONGEST_S = 300;
/** Calls under way at once where only their answers matter. */
const AT_ONCE = 64;

/** Has the product wait for the message behind a flow; its next line will be the answer. */
export async function awaitEnd(product: Product, end: string): Promise<void> {
  const args = { topic: end, timeout: LONGEST_S, max_messages: 1, include_retained: false };
  await product.writeLine(product.callLine("subscribe", args));
}

/** Begins a call that collects until it is cancelled; gives what cancels it, without an answer. */
export async function collectUntilCancelled(
  product: Product,
  topic: string,
): Promise<() => Promise<void>> {
  const requestId = product.nextId();
  const args = { topic, timeout: LONGEST_S, include_retained: false };
  await product.writeLine(product.callLine("subscribe", args, requestId));
  const method = "notifications/cancelled";
  const cancel = JSON.stringify({ jsonrpc: "2.0", method, params: { requestId } });
  return () => product.writeLine(cancel);
}

/** Makes a subscription stand, or reads what one that stands holds. */
export async function read(product: Product, topic: string): Promise<ToolAnswer> {
  return await product.call("subscribe", { topic, timeout: 0, include_retained: false });
}

/**
 * Reads what a subscription holds, and checks that nothing was lost: all are returned, left for the
 * next call, or counted as dropped.
 *
 * @throws {Error} when other than `published` messages are accounted for
 */
export async function requireAll(
  product: Product,
  topics: readonly string[],
  published: number,
): Promise<void> {
  const args = { timeout: 0, include_retained: false };
  const lines = topics.map((topic) => product.callLine("subscribe", { topic, ...args }));
  const { answers } = await product.converse(lines, AT_ONCE);
  let seen = 0;
  for (const answer of answers) {
    const { message_count, remaining, dropped } = readAnswer(answer);
    seen += Number(message_count) + Number(remaining) + Number(dropped);
  }
  if (seen === published) return;
  throw new Error(`Cannot compare: ${published} were published, ${seen} are accounted for`);
}
