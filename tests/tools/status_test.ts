import { assert, assertEquals, assertFalse, assertMatch, assertRejects } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { toSafeJson } from "../../src/text.ts";
import { startAedes } from "../support/aedes.ts";
import { freePort } from "../support/ports.ts";
import { startProxy } from "../support/proxy.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { testEachBroker } from "./brokers.ts";
import { Client, startClient } from "./client.ts";
import type { StatusResult } from "./results.ts";

/** The status, which asks for no broker. */
async function statusOf(client: Client): Promise<StatusResult> {
  return await client.do("status", {}) as StatusResult;
}

testEachBroker(
  "while connected, the status tells since when, where and with which limits",
  async (stage) => {
    const { client, broker, version } = stage;
    const status = await statusOf(client);
    assertEquals([status.connected, status.state, status.read_only], [true, "connected", false]);
    assertEquals(status.broker, `127.0.0.1:${broker.port}`);
    assertEquals([status.transport, status.mqtt_version], ["mqtt", version]);
    const age = Date.now() - Date.parse(status.since);
    assert(age >= 0 && age < 30_000, status.since);
    assertEquals(status.limits?.["retain"], true);
    assertEquals(status.limits?.["maximum_qos"], 2);
    assertEquals(typeof status.limits?.["receive_maximum"], "number");
    const shared = status.limits?.["shared_subscriptions"];
    assertEquals(shared, version === "5" ? true : undefined);
    assertEquals([status.last_error, status.subscriptions], [undefined, []]);
  },
);

testEachBroker(
  "standing subscriptions are listed with what waits in them",
  async ({ client, peer }) => {
    await client.do("subscribe", { topic: "s/#", timeout: 0, qos: 1 });
    await client.do("subscribe", { topic: "t", timeout: 0, qos: 0 });
    for (const text of ["1", "2", "3"]) await peer.publish("s/x", text);
    await peer.publish("t", "end");
    await client.do("subscribe", { topic: "t", timeout: 5, max_messages: 1, qos: 0 });
    const { subscriptions } = await statusOf(client);
    assertEquals(subscriptions, [
      { topic: "s/#", qos: 1, active: true, waiting: 3, dropped: 0, gaps: 0 },
      { topic: "t", qos: 0, active: true, waiting: 0, dropped: 0, gaps: 0 },
    ]);
    await client.do("unsubscribe", { topic: "s/#" });
    assertEquals((await statusOf(client)).subscriptions.map(({ topic }) => topic), ["t"]);
  },
);

Deno.test("passing calls do not appear as standing subscriptions", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  const listing = client.call("list_topics", { timeout: 0.2 });
  await broker.saw("subscribe");
  assertEquals((await statusOf(client)).subscriptions, []);
  await listing;
});

Deno.test("a broken connection is told with its cause, and the gap is counted", async () => {
  await using broker = await startAedes();
  await using proxy = startProxy(broker.port);
  await using client = await startClient(proxy);
  await client.do("subscribe", { topic: "a", timeout: 0 });
  proxy.refuse(true);
  await client.losing(() => proxy.cut());
  const broken = await statusOf(client);
  assertEquals(broken.connected, false);
  assertMatch(broken.state, /^(connecting|waiting)$/);
  assertMatch(broken.last_error ?? "", /connection/);
  assertEquals([broken.mqtt_version, broken.limits], [undefined, undefined]);
  const [gone] = broken.subscriptions;
  assertEquals([gone?.active, gone?.gaps], [false, 1]);
  proxy.refuse(false);
  await client.connected();
  const again = await statusOf(client);
  assertEquals([again.connected, again.last_error], [true, undefined]);
  assertEquals([again.subscriptions[0]?.active, again.subscriptions[0]?.gaps], [true, 1]);
});

Deno.test("without any broker the status answers at once, and says why", async () => {
  const port = freePort();
  await using client = new Client({ MQTT_BROKER: "127.0.0.1", MQTT_PORT: port });
  await assertRejects(() => client.session.connection({ clock: systemClock, ms: 200 }));
  const status = await statusOf(client);
  assertEquals([status.connected, status.broker], [false, `127.0.0.1:${port}`]);
  assertMatch(status.last_error ?? "", /refused/);
});

Deno.test("the limits that a broker states are told", async () => {
  await using broker = startScriptedBroker(obliging({
    connackProperties: {
      maximumQoS: 1,
      retainAvailable: false,
      maximumPacketSize: 1_000,
      receiveMaximum: 7,
      wildcardSubscriptionAvailable: false,
      sharedSubscriptionAvailable: false,
    },
  }));
  await using client = await startClient(broker);
  assertEquals((await statusOf(client)).limits, {
    maximum_qos: 1,
    retain: false,
    maximum_packet_size: 1_000,
    receive_maximum: 7,
    wildcard_subscriptions: false,
    shared_subscriptions: false,
  });
});

Deno.test("no credential is in the status, connected or not", async () => {
  const secrets = {
    MQTT_USER: "user-canary",
    MQTT_PASS: "pass-canary",
    MQTT_CLIENT_ID: "id-canary",
  };
  await using broker = await startAedes({
    authenticate: { username: "user-canary", password: "pass-canary" },
  });
  await using client = await startClient(broker, secrets);
  assertFalse(toSafeJson(await statusOf(client)).includes("canary"));
  await using wrong = new Client({
    MQTT_BROKER: "127.0.0.1",
    MQTT_PORT: broker.port,
    ...secrets,
    MQTT_PASS: "wrong-canary",
  });
  await wrong.call("get_retained", { topic: "a", timeout: 0 });
  const status = await statusOf(wrong);
  assertFalse(toSafeJson(status).includes("canary"));
  assertMatch(status.last_error ?? "", /user name or password/);
});

Deno.test("the status tells of a read-only server", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_READ_ONLY: true });
  assertEquals((await statusOf(client)).read_only, true);
});

Deno.test("as many and as long subscriptions as there may be keep the status within its bound", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker, { MQTT_MAX_RESULT_CHARS: 5_000 });
  const filters = Array.from(
    { length: 105 },
    (_, i) => `${i}/${"x".repeat(i < 20 ? 2_000 : 5)}/\u202e`,
  );
  await Promise.all(filters.map((topic) => client.do("subscribe", { topic, timeout: 0 })));
  const { subscriptions, more_subscriptions = 0 } = await statusOf(client);
  assertEquals(subscriptions.length + more_subscriptions, filters.length);
  assert(subscriptions.length > 0);
  assert(subscriptions.every(({ topic_exact }) => topic_exact === false));
});
