import { assert, assertEquals } from "@std/assert";
import { testEachBroker } from "./brokers.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { payloadsOf, startClient } from "./client.ts";

testEachBroker(
  "unsubscribe ends a call that waits, which returns what it has",
  async ({ client, peer }) => {
    await client.do("subscribe", { topic: "u/#", timeout: 0 });
    await peer.publish("u/x", "before");
    const waiting = client.do("subscribe", { topic: "u/#", timeout: 60 });
    // The next call on the filter comes after the waiting one's SUBSCRIBE.
    await client.do("get_retained", { topic: "u/#" });
    const started = Date.now();
    await client.do("unsubscribe", { topic: "u/#" });
    const result = await waiting;
    assertEquals([payloadsOf(result), result.ended_by], [["before"], "unsubscribed"]);
    assert(Date.now() - started < 5_000);
    assertEquals((await client.call("unsubscribe", { topic: "u/#" })).code, "NO_SUBSCRIPTION");
  },
);

testEachBroker("unsubscribe counts what nobody had read", async ({ client, peer }) => {
  await client.do("subscribe", { topic: "u/#", timeout: 0 });
  await client.do("subscribe", { topic: "w/#", timeout: 0 });
  const seen = client.do("subscribe", { topic: "w/#", timeout: 10, max_messages: 1 });
  for (const topic of ["u/1", "u/2", "u/3", "w/fence"]) await peer.publish(topic, "x");
  await seen;
  const result = await client.do("unsubscribe", { topic: "u/#" });
  assertEquals([result.topic, result.discarded], ["u/#", 3]);
});

testEachBroker(
  "after unsubscribe the broker sends nothing more, also after two at once",
  async ({ client, peer }) => {
    await client.do("subscribe", { topic: "u/#", timeout: 0 });
    const results = await Promise.all(
      [1, 2, 3].map(() => client.call("unsubscribe", { topic: "u/#" })),
    );
    assertEquals(results.filter(({ success }) => success).length, 1);
    await client.do("subscribe", { topic: "other", timeout: 0 });
    let routed = 0;
    const connection = await client.session.connection({ clock: client.services.clock, ms: 1_000 });
    const { received } = client.subscriptions;
    client.subscriptions.received = (message) => {
      if (message.topic.startsWith("u/")) routed++;
      received.call(client.subscriptions, message);
    };
    await peer.publish("u/x", "x");
    await peer.publish("other", "fence");
    await client.do("subscribe", { topic: "other", timeout: 5, max_messages: 1 });
    await connection.ping({ clock: client.services.clock, ms: 5_000 });
    assertEquals(routed, 0);
  },
);

Deno.test("a call that is cancelled while it waits for its turn sends nothing out of turn", async () => {
  const script = obliging();
  const unsuback = Promise.withResolvers<void>();
  await using broker = startScriptedBroker({
    async onPacket(packet, it) {
      if (packet.cmd === "unsubscribe") await unsuback.promise;
      await script.onPacket?.(packet, it);
    },
  });
  await using client = await startClient(broker);
  const peer = await broker.connections.next();
  await client.do("get_retained", { topic: "q/#", timeout: 5 });
  await peer.next("unsubscribe");
  const abort = new AbortController();
  const waiting = client.call("get_retained", { topic: "q/#" }, { signal: abort.signal });
  abort.abort();
  assertEquals((await waiting).code, "CANCELLED");
  const standing = client.do("subscribe", { topic: "q/#", timeout: 0 });
  unsuback.resolve();
  await standing;
  await client.do("unsubscribe", { topic: "q/#" });
  const sent = peer.packets.all.map(({ cmd }) => cmd).filter((cmd) => /subscribe$/.test(cmd ?? ""));
  assertEquals(sent, ["subscribe", "unsubscribe", "subscribe", "unsubscribe"]);
});
