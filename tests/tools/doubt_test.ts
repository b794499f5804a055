import { assertEquals, assertStringIncludes } from "@std/assert";
import type { InboundMessage, QoS } from "../../src/mqtt/packets.ts";
import { doubtOn } from "../../src/tools/doubt.ts";

function messages(count: number, qos: QoS, retain = true): InboundMessage[] {
  const payload = new Uint8Array();
  return Array.from({ length: count }, (_, i) => ({
    topic: `t/${i}`,
    payload,
    qos,
    retain,
    receivedAt: 0,
    subscriptionIds: [],
  }));
}

Deno.test("more stored values than a broker's queue may hold are doubted, where they pass a queue", () => {
  assertEquals(doubtOn(messages(100, 1)), undefined);
  assertStringIncludes(doubtOn(messages(101, 1)) ?? "", "some brokers leave out");
  assertStringIncludes(doubtOn(messages(101, 2)) ?? "", "some brokers leave out");
  // At QoS 0 nothing is queued, and a live message was not left out.
  assertEquals(doubtOn(messages(20_000, 0)), undefined);
  assertEquals(doubtOn(messages(20_000, 1, false)), undefined);
});
