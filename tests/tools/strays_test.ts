import { assertEquals, assertMatch } from "@std/assert";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { type Client, startClient } from "./client.ts";
import { publication } from "./publications.ts";

function warnings(client: Client): number {
  return client.log.split("no subscription matches").length - 1;
}

Deno.test("messages under a name that the broker changed are told to who gets nothing", async () => {
  await using broker = startScriptedBroker(obliging());
  await using client = await startClient(broker, { MQTT_VERSION: "3.1.1" });
  const wanted = { topic: "x/a.b", timeout: 0 };
  assertEquals((await client.do("subscribe", wanted)).note, undefined);
  const peer = await broker.connections.next();
  await peer.send(publication("x/a/b", "1"));
  await peer.send(publication("x/a/b\n", "2"));
  await client.do("publish", { topic: "fence", message: "x" });
  const { note = "" } = await client.do("subscribe", wanted);
  assertMatch(
    note,
    /^2 messages came on a topic that no subscription matches, last 'x\/a\/b\\u\{0A\}'/,
  );
  assertEquals((await client.do("subscribe", wanted)).note, undefined);
  // Whoever subscribes now has not missed them.
  assertEquals((await client.do("subscribe", { topic: "y", timeout: 0 })).note, undefined);
  assertEquals(warnings(client), 1);
  await client.losing(() => peer.drop());
  await client.connected();
  const next = broker.connections.all[1];
  await next?.send(publication("x/a/b", "3"));
  await client.do("publish", { topic: "fence", message: "x" });
  assertMatch((await client.do("subscribe", wanted)).note ?? "", /^1 message came/);
  assertEquals(warnings(client), 2);
});

Deno.test("late messages of a filter given up, and those that name one, are no strays", async () => {
  await using broker = startScriptedBroker(obliging());
  await using client = await startClient(broker);
  const wanted = { topic: "x", timeout: 0, include_retained: false };
  await client.do("subscribe", wanted);
  await client.do("subscribe", { topic: "gone/#", timeout: 0 });
  await client.do("unsubscribe", { topic: "gone/#" });
  const peer = await broker.connections.next();
  await peer.send(publication("gone/late", "1"));
  await peer.send(publication("elsewhere", "2", { ids: [99] }));
  await client.do("publish", { topic: "fence", message: "x" });
  assertEquals((await client.do("subscribe", wanted)).note, undefined);
  assertEquals(warnings(client), 0);
});

Deno.test("what the policy hides is not told as a stray either", async () => {
  await using broker = startScriptedBroker(obliging());
  await using client = await startClient(broker, {
    MQTT_ALLOW_SUBSCRIBE: "x/+",
    MQTT_VERSION: "3.1.1",
  });
  const wanted = { topic: "x/a.b", timeout: 0 };
  await client.do("subscribe", wanted);
  const peer = await broker.connections.next();
  await peer.send(publication("secret", "1"));
  await client.do("publish", { topic: "fence", message: "x" });
  assertEquals((await client.do("subscribe", wanted)).note, undefined);
});
