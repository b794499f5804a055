import { assert, assertEquals, assertGreater, assertObjectMatch } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { credentialsFor, testEachKind } from "../support/server_process.ts";
import { StrictParent } from "../support/strict_parent.ts";
import { testEachBroker } from "./test_brokers.ts";

const PUBLISHES = 2_000;

testEachBroker("a parent with Shepherd's habits can use all four tools", async (stage) => {
  const credentials = credentialsFor(stage.broker, { LOG_LEVEL: "DEBUG" });
  await using parent = await StrictParent.start({ kind: stage.kind, credentials });
  const { tools } = await parent.request("tools/list") as { tools: { name: string }[] };
  assertGreater(tools.length, 3);
  // Shepherd hands over what an agent wrote, so numbers and booleans come as strings too.
  const kept = { topic: "s/kept", message: "v", retain: "true", qos: "1" };
  assertObjectMatch(await parent.callTool("publish", kept), {
    success: true,
    retain: true,
    qos: 1,
  });
  assertObjectMatch(await parent.callTool("get_retained", { topic: "s/kept", timeout: "5" }), {
    success: true,
    messages: [{ topic: "s/kept", payload: "v", retain: true }],
  });
  const subscription = { topic: "s/#", timeout: 1, max_messages: "1" };
  assertObjectMatch(await parent.callTool("subscribe", subscription), {
    success: true,
    messages: [{ topic: "s/kept", payload: "v" }],
  });
  assertEquals((await parent.callTool("publish", { topic: "s/new", message: "w" })).success, true);
  assertObjectMatch(await parent.callTool("subscribe", subscription), {
    success: true,
    messages: [{ topic: "s/new", payload: "w", retain: false }],
  });
  assertEquals((await parent.callTool("unsubscribe", { topic: "s/#" })).success, true);
  const wrong = await parent.callTool("publish", { topic: "a/#", message: "x" });
  assertEquals(wrong, { ...wrong, success: false, code: "INVALID_TOPIC" });
  assertEquals(parent.discarded, []);
  const { exit, killed } = await parent.stop();
  assertEquals({ code: exit.code, killed }, { code: 0, killed: false });
});

testEachKind("2,000 publishes at DEBUG pass a parent that never reads stderr", async (kind) => {
  await using broker = await startAedes();
  const credentials = credentialsFor(broker, { LOG_LEVEL: "DEBUG" });
  await using parent = await StrictParent.start({ kind, credentials });
  for (let i = 0; i < PUBLISHES; i++) {
    const { success } = await parent.callTool("publish", { topic: "many", message: `${i}` });
    assert(success, `publish ${i}`);
  }
  const received = broker.packets.all.flatMap(({ packet }) =>
    packet.cmd === "publish" ? [packet.payload.toString()] : []
  );
  assertEquals(received, Array.from({ length: PUBLISHES }, (_, i) => `${i}`));
  const { exit, killed } = await parent.stop();
  assertEquals({ code: exit.code, killed }, { code: 0, killed: false });
  // What proves the test: the pipe was full, and a blocking write would have waited for ever.
  assertGreater(parent.process.stderrText.length, 60_000);
});
