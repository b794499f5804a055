import { assert, assertEquals, assertMatch } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { within } from "../support/inbox.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import { startProxy } from "../support/proxy.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { type Client, payloadsOf, type Result, startClient } from "./client.ts";
import { identifierOf, publication } from "./publications.ts";

/** Everything that waits under a filter, page by page. */
async function drain(client: Client, topic: string, timeout = 0): Promise<Result[]> {
  const pages = [await client.do("subscribe", { topic, timeout })];
  while ((pages.at(-1)?.remaining ?? 0) > 0) {
    pages.push(await client.do("subscribe", { topic, timeout }));
  }
  return pages;
}

Deno.test("a reconnection restores what stood, and every gap is told", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await using peer = await connectPeer(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 20 });
  for (const topic of ["in/#", "in/x", "other"]) {
    await client.do("subscribe", { topic, timeout: 0 });
  }
  await peer.publish("in/x", "before");
  const seen = await client.do("subscribe", { topic: "in/x", timeout: 5, max_messages: 1 });
  assertEquals(payloadsOf(seen), ["before"]);
  const waiting = client.do("subscribe", { topic: "other", timeout: 30, max_messages: 1 });
  await client.do("get_retained", { topic: "other" });
  await client.losing(() => broker.stop());
  await broker.start();
  // A call brings the attempt forward; when it is through, everything is subscribed again.
  await client.do("publish", { topic: "in/x", message: "after" });
  await client.do("publish", { topic: "other", message: "after" });
  assertEquals(payloadsOf(await waiting), ["after"]);
  assertEquals((await waiting).gaps.length, 1);
  const wide = await client.do("subscribe", { topic: "in/#", timeout: 5, max_messages: 2 });
  assertEquals(payloadsOf(wide), ["before", "after"]);
  const [gap, ...more] = wide.gaps;
  assertEquals(more, []);
  assert(gap !== undefined && gap.to !== null && Date.parse(gap.from) <= Date.parse(gap.to));
  const again = await client.do("subscribe", { topic: "in/#", timeout: 0 });
  assertEquals(again.gaps, []);
});

Deno.test("a restored subscription does not bring stored values a second time by itself", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await broker.publish("k/a", "kept", { retain: true });
  const args = { topic: "k/#", timeout: 5, max_messages: 1 };
  assertEquals(payloadsOf(await client.do("subscribe", args)), ["kept"]);
  await client.losing(() => broker.kill());
  await client.connected();
  const live = client.do("subscribe", { ...args, include_retained: false });
  await client.do("publish", { topic: "k/b", message: "live" });
  assertEquals(payloadsOf(await live), ["live"]);
});

Deno.test("a subscription that the broker refuses after a reconnection is told, and its gap stays open", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await client.do("subscribe", { topic: "in/#", timeout: 0 });
  broker.onSubscribe = () => "refuse";
  await client.losing(() => broker.kill());
  await client.connected();
  assertMatch(client.log, /was not restored: .*refused/);
  const refused = await client.call("subscribe", { topic: "in/#", timeout: 0 });
  assertEquals([refused.success, refused.code], [false, "REFUSED_BY_BROKER"]);
  broker.onSubscribe = () => "accept";
  const result = await client.do("subscribe", { topic: "in/#", timeout: 0 });
  assertEquals(result.gaps.length, 1);
  assert(result.gaps[0]?.to !== null);
});

Deno.test("a refused subscription leaves nothing behind", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  broker.onSubscribe = () => "refuse";
  for (const name of ["subscribe", "get_retained"]) {
    const result = await client.call(name, { topic: "no" });
    assertEquals([result.success, result.code], [false, "REFUSED_BY_BROKER"]);
    assertMatch(result.error ?? "", /^Cannot .*'no'.*: the broker refused the subscription/);
  }
  assertEquals(client.subscriptions.standing(), []);
  assertEquals((await client.call("unsubscribe", { topic: "no" })).code, "NO_SUBSCRIPTION");
});

Deno.test("calls that are cancelled together leave no subscription at the broker", async () => {
  await using broker = await startAedes();
  await using proxy = startProxy(broker.port);
  await using client = await startClient(proxy, { MQTT_VERSION: "3.1.1" });
  const aborts = [1, 2, 3].map(() => new AbortController());
  const calls = aborts.map(({ signal }) =>
    client.call("get_retained", { topic: "l/#", timeout: 60 }, { signal })
  );
  await proxy.saw("suback");
  for (const abort of aborts) abort.abort();
  for (const result of await Promise.all(calls)) assertEquals(result.code, "CANCELLED");
  const left = await proxy.saw("unsubscribe");
  assertEquals(left.unsubscriptions, ["l/#"]);
  await client.do("subscribe", { topic: "l/#", timeout: 0 });
  await client.do("publish", { topic: "l/x", message: "x" });
  const result = await client.do("subscribe", { topic: "l/#", timeout: 5, max_messages: 1 });
  assertEquals(payloadsOf(result), ["x"]);
});

Deno.test("a subscribe that is cancelled before SUBACK stands nowhere", async () => {
  let subscribes = 0;
  await using broker = startScriptedBroker(
    obliging({ subscribeCode: (_filter, qos) => subscribes++ === 0 ? null : qos }),
  );
  await using client = await startClient(broker);
  const abort = new AbortController();
  const call = client.call("subscribe", { topic: "t", timeout: 0 }, { signal: abort.signal });
  const peer = await broker.connections.next();
  await peer.next("subscribe");
  abort.abort();
  assertEquals((await call).code, "CANCELLED");
  await peer.next("unsubscribe");
  assertEquals(client.subscriptions.standing(), []);
  await client.do("subscribe", { topic: "t", timeout: 0 });
});

Deno.test("what comes in the middle of paging through stored values is not sent twice", async () => {
  await using broker = startScriptedBroker({
    onPacket: (packet, it) => packet.cmd === "pingreq" ? undefined : script.onPacket?.(packet, it),
  });
  const script = obliging();
  await using client = await startClient(broker);
  const peer = await broker.connections.next();
  const first = client.do("subscribe", { topic: "p/#", timeout: 5, max_messages: 1 });
  await peer.next("subscribe");
  const ids = [identifierOf(peer, "p/#")];
  // The first page ends while the broker has more: no PINGRESP has come yet.
  await peer.next("pingreq");
  await peer.send(publication("p/1", "1", { retain: true, ids }));
  assertEquals(payloadsOf(await first), ["1"]);
  await peer.send(publication("p/2", "2", { retain: true, ids }));
  await peer.send(publication("p/3", "3", { retain: true, ids }));
  await peer.send({ cmd: "pingresp" });
  const rest = await client.do("subscribe", { topic: "p/#", timeout: 5, max_messages: 2 });
  assertEquals(payloadsOf(rest), ["2", "3"]);
  const subscribes = peer.packets.all.filter(({ cmd }) => cmd === "subscribe");
  assertEquals(subscribes.length, 1);
});

Deno.test({
  name: "5,000 stored values come page by page, each exactly once, from Mosquitto",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using broker = await startMosquitto({ verbose: false });
    await using peer = await connectPeer(`mqtt://127.0.0.1:${broker.port}`);
    await Promise.all(
      Array.from(
        { length: 5_000 },
        (_, i) => peer.publish(`many/${i}`, String(i), { retain: true }),
      ),
    );
    for (const MQTT_VERSION of ["5", "3.1.1"]) {
      for (const timeout of [0, 1]) {
        await using client = await startClient(broker, { MQTT_VERSION });
        const payloads: string[] = [];
        // With no time to wait the first pages may be empty while the values are on their way.
        for (let page = 0; page < 200 && payloads.length < 5_000; page++) {
          const results = await drain(client, "many/#", timeout);
          for (const result of results) {
            assertEquals(result.dropped, 0);
            payloads.push(...payloadsOf(result));
          }
        }
        const where = `MQTT ${MQTT_VERSION}, timeout ${timeout}`;
        assertEquals(new Set(payloads).size, 5_000, where);
        assertEquals(payloads.length, 5_000, where);
      }
    }
  },
});

Deno.test({
  name: "a shared subscription gets its share, and stored values are refused for it",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using broker = await startMosquitto({ verbose: false });
    await using one = await startClient(broker);
    await using two = await startClient(broker);
    const topic = "$share/group/jobs/#";
    for (const client of [one, two]) await client.do("subscribe", { topic, timeout: 0 });
    await using peer = await connectPeer(`mqtt://127.0.0.1:${broker.port}`);
    for (let i = 0; i < 20; i++) await peer.publish("jobs/x", String(i));
    const got: string[] = [];
    const deadline = Date.now() + 10_000;
    while (got.length < 20 && Date.now() < deadline) {
      for (const client of [one, two]) {
        got.push(...payloadsOf(await client.do("subscribe", { topic, timeout: 0 })));
      }
    }
    assertEquals(got.map(Number).sort((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i));
    const refused = await one.call("get_retained", { topic });
    assertEquals(refused.code, "INVALID_TOPIC");
    await one.do("unsubscribe", { topic });
  },
});

Deno.test("the end of a connection wakes nobody up in vain, and a waiting call goes on", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  const waiting = client.do("subscribe", { topic: "t", timeout: 20, max_messages: 1 });
  await broker.saw("subscribe");
  await client.do("get_retained", { topic: "t" });
  await client.losing(() => broker.kill());
  await client.connected();
  await client.do("publish", { topic: "t", message: "x" });
  const result = await within(10_000, "the message", waiting);
  assertEquals([payloadsOf(result), result.gaps.length], [["x"], 1]);
});

Deno.test("a call that gives up behind one that leaves does not take a new subscription with it", async () => {
  let unsubscribes = 0;
  const script = obliging({ unsubscribeCode: () => unsubscribes++ === 0 ? null : 0 });
  await using broker = startScriptedBroker(script);
  await using client = await startClient(broker);
  const peer = await broker.connections.next();
  await client.do("get_retained", { topic: "f", timeout: 0 });
  const { messageId = 0 } = await peer.next("unsubscribe");
  const abort = new AbortController();
  const waiting = client.call("get_retained", { topic: "f" }, { signal: abort.signal });
  abort.abort();
  assertEquals((await waiting).code, "CANCELLED");
  const subscribing = client.do("subscribe", { topic: "f", timeout: 0 });
  await peer.send({ cmd: "unsuback", messageId, granted: [0] });
  await subscribing;
  assertEquals(client.subscriptions.standing().map(({ filter }) => filter), ["f"]);
  await client.do("unsubscribe", { topic: "f" });
});

Deno.test("an unsubscribe that is cancelled halfway is carried out all the same", async () => {
  let unsubscribes = 0;
  const script = obliging({ unsubscribeCode: () => unsubscribes++ === 0 ? null : 0 });
  await using broker = startScriptedBroker(script);
  await using client = await startClient(broker);
  const peer = await broker.connections.next();
  await client.do("subscribe", { topic: "f", timeout: 0 });
  const abort = new AbortController();
  const call = client.call("unsubscribe", { topic: "f" }, { signal: abort.signal });
  const { messageId = 0 } = await peer.next("unsubscribe");
  abort.abort();
  await peer.send({ cmd: "unsuback", messageId, granted: [0] });
  assertEquals((await call).success, true);
  assertEquals(client.subscriptions.standing(), []);
});
