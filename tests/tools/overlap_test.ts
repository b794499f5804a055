import { assert, assertEquals } from "@std/assert";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { testEachBroker } from "./brokers.ts";
import { payloadsOf, type Result, startClient } from "./client.ts";
import { identifierOf, publication } from "./publications.ts";

testEachBroker("one copy of each message, whatever filters overlap", async ({ client, peer }) => {
  const filters = ["o/#", "o/+", "o/x"];
  for (const topic of filters) await client.do("subscribe", { topic, timeout: 0 });
  // Different payloads first, then the same one twice in a row: both of those are wanted.
  const sent = ["a", "b", "c", "d", "same", "same", "end"];
  const waits = filters.map((topic) =>
    client.do("subscribe", { topic, timeout: 10, max_messages: sent.length })
  );
  for (const text of sent) await peer.publish("o/x", text);
  for (const result of await Promise.all(waits)) assertEquals(payloadsOf(result), sent);
});

testEachBroker("two calls on one filter both get every message", async ({ client, peer }) => {
  await client.do("subscribe", { topic: "d/#", timeout: 0 });
  const waits = [1, 2].map(() =>
    client.do("subscribe", { topic: "d/#", timeout: 10, max_messages: 2 })
  );
  // Both have taken their turn when a third call on the filter gets through.
  await client.do("get_retained", { topic: "d/#" });
  await peer.publish("d/x", "1");
  await peer.publish("d/x", "2");
  for (const result of await Promise.all(waits)) assertEquals(payloadsOf(result), ["1", "2"]);
  assertEquals((await client.do("subscribe", { topic: "d/#", timeout: 0 })).message_count, 0);
});

testEachBroker(
  "get_retained does not disturb who waits on the same or an overlapping filter",
  async ({ client, peer }) => {
    for (const name of ["a", "b"]) {
      await peer.publish(`g/${name}`, `kept ${name}`, {
        retain: true,
      });
    }
    const waiting = client.do("subscribe", { topic: "g/#", timeout: 20, match: "end" });
    // By then the first subscription's own stored copies are in.
    await client.do("get_retained", { topic: "g/#" });
    for (const topic of ["g/#", "g/+", "g/a", "g/b", "g/none"]) {
      const found = await client.do("get_retained", { topic });
      assert(found.messages.every(({ payload, retain }) => retain && payload.startsWith("kept")));
      assert(found.complete);
    }
    await client.do("subscribe", { topic: "g/a", timeout: 0 });
    await peer.publish("g/x", "end");
    assertEquals(payloadsOf(await waiting).sort(), ["end", "kept a", "kept b"]);
  },
);

testEachBroker(
  "a thousand calls of every kind at once all end as they should",
  async ({ client, peer }) => {
    await peer.publish("m/kept", "kept", { retain: true });
    const calls: Promise<Result>[] = [];
    for (let i = 0; i < 200; i++) {
      const own = `m/own/${i}`;
      calls.push(
        client.call("publish", { topic: `m/pub/${i}`, message: "x", qos: i % 3 }),
        client.call("subscribe", { topic: own, timeout: 0 }),
        client.call("get_retained", { topic: i % 2 === 0 ? "m/kept" : own }),
        client.call("publish", { topic: "a/#", message: "x" }),
        client.call("unsubscribe", { topic: `m/never/${i}` }),
      );
    }
    const results = await Promise.all(calls);
    const codes = results.map(({ code }, i) => code ?? ["publish", "subscribe", "retained"][i % 5]);
    for (const [i, code] of codes.entries()) {
      const wanted =
        ["publish", "subscribe", "retained", "INVALID_TOPIC", "NO_SUBSCRIPTION"][i % 5];
      assertEquals(code, wanted, results[i]?.error);
    }
    for (let i = 0; i < 200; i++) {
      const retained = results[5 * i + 2];
      assertEquals(retained === undefined ? [] : payloadsOf(retained), i % 2 === 0 ? ["kept"] : []);
    }
    assert(!client.log.includes("connection lost"), client.log);
  },
);

Deno.test("a broker that sends a copy for each overlapping filter is seen through", async () => {
  await using broker = startScriptedBroker(obliging());
  await using client = await startClient(broker, { MQTT_VERSION: "3.1.1" });
  const filters = ["o/#", "o/+", "o/x"];
  for (const topic of filters) await client.do("subscribe", { topic, timeout: 0 });
  const peer = await broker.connections.next();
  const sent = ["1", "2", "2", "3", "3", "end"];
  const waits = filters.map((topic) =>
    client.do("subscribe", { topic, timeout: 10, match: "end" })
  );
  await client.do("get_retained", { topic: "o/x" });
  for (const text of sent) {
    for (let copy = 0; copy < 3; copy++) await peer.send(publication("o/x", text));
  }
  for (const result of await Promise.all(waits)) assertEquals(payloadsOf(result), sent);
});

Deno.test("copies that MQTT 5 names by subscription go to that subscription only", async () => {
  await using broker = startScriptedBroker(obliging());
  await using client = await startClient(broker);
  for (const topic of ["o/#", "o/x"]) await client.do("subscribe", { topic, timeout: 0 });
  const peer = await broker.connections.next();
  const ids = ["o/#", "o/x"].map((filter) => identifierOf(peer, filter));
  for (const id of ids) await peer.send(publication("o/x", "same", { ids: [id] }));
  for (const id of ids) await peer.send(publication("o/x", "same", { ids: [id] }));
  await peer.send(publication("o/x", "end", { ids }));
  for (const topic of ["o/#", "o/x"]) {
    const result = await client.do("subscribe", { topic, timeout: 5, match: "end" });
    assertEquals(payloadsOf(result), ["same", "same", "end"]);
  }
});

Deno.test("single copies before SUBACK do not make later copies count twice", async () => {
  const narrow = Promise.withResolvers<void>();
  const script = obliging();
  await using broker = startScriptedBroker({
    async onPacket(packet, it) {
      if (packet.cmd === "subscribe" && packet.subscriptions[0]?.topic === "o/x") {
        for (let i = 0; i < 5; i++) await it.send(publication("o/x", `early ${i}`));
        narrow.resolve();
      }
      await script.onPacket?.(packet, it);
    },
  });
  await using client = await startClient(broker, { MQTT_VERSION: "3.1.1" });
  await client.do("subscribe", { topic: "o/#", timeout: 0 });
  await client.do("subscribe", { topic: "o/x", timeout: 0 });
  await narrow.promise;
  const peer = await broker.connections.next();
  for (let i = 0; i < 4; i++) {
    for (let copy = 0; copy < 2; copy++) await peer.send(publication("o/x", `late ${i}`));
  }
  await peer.send(publication("o/x", "end"));
  const result = await client.do("subscribe", { topic: "o/#", timeout: 5, match: "end" });
  const late = payloadsOf(result).filter((it) => it.startsWith("late"));
  assertEquals(late, ["late 0", "late 1", "late 2", "late 3"]);
});
