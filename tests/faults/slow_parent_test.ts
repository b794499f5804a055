import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import { credentialsFor, testEachKind } from "../support/server_process.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { PlainServer } from "./lines.ts";
import { amount, report, residentMiB } from "./support.ts";

const LOG_LINE_BYTES = 45;
const LOG_BYTES = amount(10_000_000, 2_500_000);

testEachKind("a stderr that nobody reads stops nothing, through 10 MB of log", async (kind) => {
  await using broker = await startMosquitto({ verbose: false });
  const credentials = credentialsFor(broker, { LOG_LEVEL: "DEBUG" });
  await using server = await PlainServer.start({ kind, credentials, readStderr: false });
  assertEquals(
    (await server.call("subscribe", { topic: "in/#", timeout: 0, qos: 0 })).success,
    true,
  );
  await using peer = await connectPeer(`mqtt://127.0.0.1:${broker.port}`);
  const messages = LOG_BYTES / LOG_LINE_BYTES;
  let worst = 0;
  let received = 0;
  for (let sent = 0; sent < messages;) {
    for (let n = 0; n < 5_000; n++, sent++) peer.client.publish("in/x", "m", { qos: 0 });
    await peer.publish("done", "m");
    const start = performance.now();
    const { message_count, dropped, remaining } = await server.call("subscribe", {
      topic: "in/#",
      timeout: 0,
      qos: 0,
    });
    worst = Math.max(worst, performance.now() - start);
    received += Number(message_count) + Number(dropped);
    assert(Number(remaining) <= 10_000);
  }
  const memory = await residentMiB(server.pid);
  assertEquals((await server.call("publish", { topic: "out", message: "m" })).success, true);
  // Once somebody reads it, a line tells how many there were.
  let dropped = 0;
  const deadline = performance.now() + 15_000;
  const reader = server.stderr.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; dropped < messages / 2 && performance.now() < deadline;) {
    await server.call("status", {});
    const lines = (rest + ((await reader.read()).value ?? "")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      dropped += Number(/(\d+) log lines were dropped/.exec(line)?.[1] ?? 0);
    }
  }
  await reader.cancel();
  report(
    5,
    `stderr unread through ${
      LOG_BYTES / 1e6
    } MB of log (${kind}): ${received} messages seen, ${dropped} log lines dropped, slowest answer ${
      worst.toFixed(0)
    } ms, ${memory} MiB`,
  );
  assertGreater(dropped, messages / 2);
  assertLess(worst, 5_000);
  if (memory !== undefined) assertLess(memory, 300);
}, { ignore: requireOrIgnore("mosquitto") });

testEachKind(
  "a parent that reads 1 KB a second keeps its broker, and every message is counted",
  async (kind) => {
    const keepaliveS = amount(3, 1);
    await using broker = await startAedes();
    const credentials = credentialsFor(broker, { MQTT_KEEPALIVE: keepaliveS });
    await using server = await PlainServer.start({ kind, credentials });
    assertEquals((await server.call("subscribe", { topic: "in/#", timeout: 0 })).success, true);
    const connects = broker.connects.length;
    const before = await residentMiB(server.pid);
    server.readRate = 1_024;
    const calls: Promise<unknown>[] = [];
    let counted = 0;
    let remaining = 0;
    const take = async () => {
      const answer = await server.call("subscribe", { topic: "in/#", timeout: 0 }, 120_000);
      counted += Number(answer["message_count"]) + Number(answer["dropped"]);
      remaining = Number(answer["remaining"]);
    };
    let sent = 0;
    // 1,000 a second in portions of 50, for more than three keep alives.
    for (let portion = 0; portion < 20 * (3 * keepaliveS + 1); portion++) {
      for (let n = 0; n < 50; n++) broker.publish("in/x", `${sent++}`, { qos: 0 });
      if (portion % 10 === 0) calls.push(take());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const memory = await residentMiB(server.pid);
    const pings = broker.packets.all.filter(({ packet }) => packet.cmd === "pingreq").length;
    assertEquals(broker.connects.length, connects);
    server.readRate = Infinity;
    await Promise.all(calls);
    do await take(); while (remaining > 0);
    report(
      5,
      `stdout at 1 KB/s (${kind}): ${sent} sent, ${counted} counted, ${pings} pings, memory ${before} -> ${memory} MiB`,
    );
    assertEquals(counted, sent);
    if (memory !== undefined) assertLess(memory, 300);
  },
);
