import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { freePort } from "../support/ports.ts";
import { callTool, sdkClient } from "../support/sdk_client.ts";
import { credentialsFor, spawnServer, testEachKind } from "../support/server_process.ts";

testEachKind("a call to a broker that is not there says that it refused", async (kind) => {
  await using server = spawnServer({ kind });
  const client = await sdkClient(
    server,
    credentialsFor({ hostname: "127.0.0.1", port: freePort() }),
  );
  const { data, isError } = await callTool(client, "publish", { topic: "a", message: "b" });
  assertEquals([isError, data.success], [true, false]);
  assertMatch(String(data["error"]), /^Cannot publish to 'a': .*refused/);
  assertEquals(data["code"], "BROKER_REFUSED_CONNECTION");
});

testEachKind("a wrong password is named, and not tried in a storm", async (kind) => {
  await using broker = await startAedes({ authenticate: { username: "u", password: "right" } });
  await using server = spawnServer({ kind });
  const login = { MQTT_USER: "u", MQTT_PASS: "wrong", MQTT_VERSION: "3.1.1" };
  const client = await sdkClient(server, credentialsFor(broker, login));
  for (let i = 0; i < 5; i++) {
    const { data } = await callTool(client, "publish", { topic: "a", message: "b" });
    assertEquals([data.success, data["code"]], [false, "BAD_CREDENTIALS"]);
  }
  assertEquals(broker.connects.length <= 6, true, `${broker.connects.length} attempts`);
});

testEachKind(
  "subscriptions are restored after the broker was away, and the gap shows",
  async (kind) => {
    await using broker = await startAedes();
    await using server = spawnServer({ kind });
    const client = await sdkClient(server, credentialsFor(broker));
    await callTool(client, "subscribe", { topic: "in/#", timeout: 0 });
    const subscribes = () => broker.packets.all.filter(({ packet }) => packet.cmd === "subscribe");
    const before = subscribes().length;
    await broker.stop();
    await broker.start();
    await broker.packets.find(() => subscribes().length > before, 30_000);
    // What the server itself publishes arrives after the SUBACK, so the subscription stands.
    const sent = await callTool(client, "publish", { topic: "in/x", message: "after" });
    assertEquals(sent.data.success, true);
    const { data } = await callTool(client, "subscribe", {
      topic: "in/#",
      timeout: 10,
      max_messages: 1,
    });
    const [message] = data["messages"] as Record<string, unknown>[];
    assertEquals(message?.["payload"], "after");
    const [gap, ...others] = data["gaps"] as { from: string; to: string | null }[];
    assertEquals(others, []);
    assertStringIncludes(String(gap?.from), "T");
    assertStringIncludes(String(gap?.to), "T");
  },
);

testEachKind("a publish whose connection ends says that its outcome is unknown", async (kind) => {
  await using broker = await startAedes();
  broker.onPublish = () => "ignore";
  await using server = spawnServer({ kind });
  const client = await sdkClient(server, credentialsFor(broker));
  const call = callTool(client, "publish", { topic: "once", message: "x" });
  await broker.saw("publish");
  broker.onPublish = () => "accept";
  broker.kill();
  const { data } = await call;
  assertEquals([data.success, data["code"]], [false, "OUTCOME_UNKNOWN"]);
  await callTool(client, "publish", { topic: "later", message: "y" });
  await broker.saw("publish", ({ topic }) => topic === "later");
  const once = broker.packets.all.filter(({ packet }) =>
    packet.cmd === "publish" && packet.topic === "once"
  );
  assertEquals(once.length, 1);
});
