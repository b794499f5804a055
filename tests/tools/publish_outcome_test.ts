import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Clock, systemClock } from "../../src/clock.ts";
import { startAedes } from "../support/aedes.ts";
import { within } from "../support/inbox.ts";
import { freePort } from "../support/ports.ts";
import { startProxy } from "../support/proxy.ts";
import {
  obliging,
  type ScriptedConnection,
  startScriptedBroker,
} from "../support/scripted_broker.ts";
import { Client, startClient } from "./client.ts";

/** A broker that drops its first connection at the first PUBLISH, and is obliging afterwards. */
function dyingBroker(): ReturnType<typeof startScriptedBroker> {
  let first: ScriptedConnection | undefined;
  const script = obliging();
  return startScriptedBroker({
    onConnection: (it) => {
      first ??= it;
    },
    onPacket: (packet, it) =>
      packet.cmd === "publish" && it === first ? it.drop() : script.onPacket?.(packet, it),
  });
}

Deno.test("a publish whose connection ends is unknown, and is never sent again", async () => {
  for (const qos of [1, 2]) {
    await using broker = dyingBroker();
    await using client = await startClient(broker);
    const result = await client.call("publish", { topic: "t", message: "once", qos });
    assertEquals([result.success, result.code], [false, "OUTCOME_UNKNOWN"]);
    assertMatch(result.error ?? "", /unknown/);
    // The next call brings the reconnection forward; had anything been queued, it would come now.
    await client.do("publish", { topic: "t", message: "second", qos });
    await client.do("publish", { topic: "t", message: "third", qos });
    const payloads = broker.connections.all.slice(1).flatMap(({ packets }) =>
      packets.all.flatMap((it) => it.cmd === "publish" ? [String(it.payload)] : [])
    );
    assertEquals(payloads, ["second", "third"]);
  }
});

Deno.test("a broker that closes at once over a message is named as the likely cause", async () => {
  for (const soon of [true, false]) {
    const published = Promise.withResolvers<ScriptedConnection>();
    const script = obliging();
    await using broker = startScriptedBroker({
      onPacket: (packet, it) =>
        packet.cmd === "publish" ? published.resolve(it) : script.onPacket?.(packet, it),
    });
    let ahead = 0;
    const clock: Clock = { ...systemClock, now: () => Date.now() + ahead };
    await using client = new Client(
      { MQTT_BROKER: broker.hostname, MQTT_PORT: broker.port },
      clock,
    );
    const call = client.call("publish", { topic: "t", message: "x", qos: 2 });
    const connection = await published.promise;
    if (!soon) ahead = 2_000;
    connection.drop();
    const { code, hint = "" } = await call;
    assertEquals([code, /may not take QoS 2/.test(hint)], ["OUTCOME_UNKNOWN", soon]);
    assertMatch(hint, /Check the effect/);
  }
});

Deno.test("a QoS 2 message that the broker took as QoS 1 is called that", async () => {
  const script = obliging();
  await using broker = startScriptedBroker({
    onPacket: (packet, it) =>
      packet.cmd === "publish"
        ? it.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 })
        : script.onPacket?.(packet, it),
  });
  await using client = await startClient(broker);
  const result = await client.do("publish", { topic: "t", message: "x", qos: 2 });
  assertEquals(result.qos, 1);
  assertMatch(result.note ?? "", /took it as QoS 1/);
  const plain = await client.do("publish", { topic: "t", message: "x", qos: 1 });
  assertEquals([plain.qos, plain.note], [1, undefined]);
});

Deno.test("a publish while the broker is away fails, and is not sent when it is back", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await client.losing(() => broker.stop());
  const offline = ["away 1", "away 2"].map((message, qos) =>
    client.call("publish", { topic: "t", message, qos }, { signal: AbortSignal.timeout(300) })
  );
  for (const result of await Promise.all(offline)) assertEquals(result.success, false);
  await broker.start();
  await client.do("publish", { topic: "t", message: "back" });
  const payloads = broker.packets.all.flatMap(({ packet }) =>
    packet.cmd === "publish" ? [String(packet.payload)] : []
  );
  assertEquals(payloads, ["back"]);
});

Deno.test("a call to a broker that never was there says why, within its own deadline", async () => {
  const origin = Date.now();
  const hurried: Clock = {
    now: () => origin + 20 * (Date.now() - origin),
    after: (ms, action) => systemClock.after(ms / 20, action),
  };
  const place = { MQTT_BROKER: "127.0.0.1", MQTT_PORT: freePort() };
  await using client = new Client(place, hurried);
  const started = hurried.now();
  const results = await Promise.all([
    client.call("publish", { topic: "t", message: "x" }),
    client.call("subscribe", { topic: "t", timeout: 0 }),
    client.call("get_retained", { topic: "t", timeout: 0 }),
  ]);
  for (const result of results) {
    assertEquals([result.success, result.code], [false, "BROKER_REFUSED_CONNECTION"]);
    assertMatch(result.error ?? "", /^Cannot .* 't'.*: the host refused the connection/);
  }
  const waited = hurried.now() - started;
  assert(waited >= 10_000 && waited < 15_000, `${waited} ms`);
});

Deno.test("wrong credentials are told at once and never hammered", async () => {
  await using broker = await startAedes({ authenticate: { username: "u", password: "right" } });
  await using client = new Client({
    MQTT_BROKER: "127.0.0.1",
    MQTT_PORT: broker.port,
    MQTT_USER: "u",
    MQTT_PASS: "wrong-secret",
    MQTT_VERSION: "3.1.1",
  });
  const started = Date.now();
  for (let i = 0; i < 50; i++) {
    const result = await client.call("publish", { topic: "t", message: "x" });
    assertEquals(result.code, "BAD_CREDENTIALS");
    assertMatch(result.hint ?? "", /MQTT_PASS/);
  }
  assert(Date.now() - started < 5_000);
  assertEquals(broker.connects.length, 1);
  assert(!client.log.includes("wrong-secret"));
});

Deno.test("a cancelled publish ends, and one that had not begun sends nothing", async () => {
  await using broker = startScriptedBroker(obliging({ publishCode: () => null }));
  await using client = await startClient(broker);
  const abort = new AbortController();
  const call = client.call("publish", { topic: "t", message: "sent" }, { signal: abort.signal });
  const peer = await broker.connections.next();
  await peer.next("publish");
  abort.abort();
  assertEquals((await call).code, "CANCELLED");
  for (const qos of [0, 1, 2]) {
    for (const retain of [false, true]) {
      const options = { signal: abort.signal };
      const result = await client.call(
        "publish",
        { topic: "t", message: "no", qos, retain },
        options,
      );
      assertEquals(result.code, "CANCELLED", `QoS ${qos} ${retain}`);
    }
  }
  await client.do("publish", { topic: "fence", message: "x", qos: 0 });
  await within(
    5_000,
    "the fence",
    peer.packets.find((it) => it.cmd === "publish" && it.topic === "fence"),
  );
  const payloads = peer.packets.all.flatMap((it) =>
    it.cmd === "publish" ? [String(it.payload)] : []
  );
  assertEquals(payloads, ["sent", "x"]);
});

Deno.test("a stalled network ends a publish by its deadline, and the message is not repeated", async () => {
  await using broker = await startAedes();
  await using proxy = startProxy(broker.port);
  await using client = await startClient(proxy, { MQTT_VERSION: "3.1.1" });
  proxy.stall();
  const abort = AbortSignal.timeout(500);
  const result = await client.call("publish", { topic: "t", message: "stalled" }, {
    signal: abort,
  });
  assertEquals(result.code, "CANCELLED");
  await client.losing(() => proxy.cut());
  proxy.resume();
  await client.do("publish", { topic: "t", message: "after" });
  const payloads = broker.packets.all.flatMap(({ packet }) =>
    packet.cmd === "publish" ? [String(packet.payload)] : []
  );
  assertEquals(payloads.filter((it) => it === "stalled").length <= 1, true);
  assertEquals(payloads.at(-1), "after");
});
