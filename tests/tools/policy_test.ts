import { assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { startClient } from "./client.ts";
import type { ListResult, RequestResult } from "./results.ts";
import { McpClient, type ToolReply } from "./mcp_client.ts";

/** Asserts that a call was refused by the policy, with these words, and says nothing else. */
function assertRefused({ data }: ToolReply, rule: string): void {
  assertEquals([data.success, data.code], [false, "POLICY"], data.error);
  assertStringIncludes(data.error ?? "", "the operator's access policy forbids");
  assertStringIncludes(data.error ?? "", rule);
}

const NOT_ALLOWED_TO_SEND = "no filter of MQTT_ALLOW_PUBLISH covers it";
const NOT_ALLOWED_TO_RECEIVE = "no filter of MQTT_ALLOW_SUBSCRIBE covers it";

/** Credentials, a call, and the rule that its refusal names. */
const REFUSED: [Record<string, unknown>, string, Record<string, unknown>, string][] = [
  [{ MQTT_ALLOW_PUBLISH: "lamp/+/set" }, "publish", { topic: "lock/set" }, NOT_ALLOWED_TO_SEND],
  [{ MQTT_ALLOW_PUBLISH: "a.b/c" }, "publish", { topic: "axb/c" }, NOT_ALLOWED_TO_SEND],
  [{ MQTT_ALLOW_PUBLISH: "#" }, "publish", { topic: "$SYS/x" }, NOT_ALLOWED_TO_SEND],
  [
    { MQTT_ALLOW_PUBLISH: "#", MQTT_DENY_PUBLISH: "x, locks/#" },
    "publish",
    { topic: "locks/door" },
    "MQTT_DENY_PUBLISH denies 'locks/#'",
  ],
  [
    { MQTT_DENY_PUBLISH: "locks/#" },
    "request",
    { topic: "locks/door", response_topic: "state" },
    "MQTT_DENY_PUBLISH denies 'locks/#'",
  ],
  [
    { MQTT_DENY_SUBSCRIBE: "alarm/#" },
    "request",
    { topic: "lamp/set", response_topic: "alarm/state" },
    "response_topic 'alarm/state'",
  ],
  [
    { MQTT_ALLOW_SUBSCRIBE: "sensors/#" },
    "request",
    { topic: "lamp/set" },
    "the private response topic (give response_topic)",
  ],
  [{ MQTT_ALLOW_SUBSCRIBE: "s/+" }, "subscribe", { topic: "s/#" }, NOT_ALLOWED_TO_RECEIVE],
  [{ MQTT_ALLOW_SUBSCRIBE: "s/+" }, "get_retained", { topic: "s/#" }, NOT_ALLOWED_TO_RECEIVE],
  [{ MQTT_ALLOW_SUBSCRIBE: "s/+" }, "list_topics", {}, NOT_ALLOWED_TO_RECEIVE],
  [{ MQTT_ALLOW_SUBSCRIBE: "#" }, "subscribe", { topic: "$SYS/#" }, NOT_ALLOWED_TO_RECEIVE],
  [
    { MQTT_DENY_SUBSCRIBE: "secret/#" },
    "subscribe",
    { topic: "$share/g/secret/x" },
    "MQTT_DENY_SUBSCRIBE denies 'secret/#'",
  ],
  [
    { MQTT_DENY_SUBSCRIBE: "secret/#" },
    "list_topics",
    { topic: "secret/+" },
    "MQTT_DENY_SUBSCRIBE denies 'secret/#'",
  ],
  [
    { MQTT_ALLOW_SUBSCRIBE: "g/#" },
    "subscribe",
    { topic: "$share/g/x" },
    NOT_ALLOWED_TO_RECEIVE,
  ],
];

Deno.test("each rule refuses by its name, and the broker is asked for nothing", async () => {
  await using broker = await startAedes();
  for (const [credentials, tool, args, rule] of REFUSED) {
    await using wire = await McpClient.start(broker, credentials);
    const message = tool === "publish" || tool === "request" ? { message: "x" } : {};
    assertRefused(await wire.call(tool, { ...args, ...message }), rule);
  }
  const asked = broker.packets.all.map(({ packet }) => packet.cmd)
    .filter((cmd) => cmd === "subscribe" || cmd === "publish");
  assertEquals(asked, []);
});

Deno.test("a response topic may not lead where the policy forbids publishing", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker, { MQTT_DENY_PUBLISH: "locks/#" });
  const args = { topic: "lamp/get", message: "?", response_topic: "locks/door/set" };
  const { data } = await wire.call("publish", args);
  assertEquals([data.success, data.code], [false, "POLICY"]);
  assertStringIncludes(data.error ?? "", "MQTT_DENY_PUBLISH denies 'locks/#'");
});

Deno.test({
  name: "a request awaits a state that it may not publish to, without naming it as response topic",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using broker = await startMosquitto({ verbose: false });
    await using client = await startClient(broker, { MQTT_DENY_PUBLISH: "lamp/state" });
    await using peer = await connectPeer(`mqtt://${broker.hostname}:${broker.port}`, {
      protocolVersion: 5,
    });
    await peer.subscribe("lamp/set");
    let carried: string | undefined;
    peer.client.on("message", (_topic, payload, { properties }) => {
      carried = properties?.responseTopic;
      peer.client.publish("lamp/state", payload);
    });
    const { response } = await client.do("request", {
      topic: "lamp/set",
      message: "on",
      response_topic: "lamp/state",
    }) as RequestResult;
    assertEquals([response?.payload, carried], ["on", undefined]);
  },
});

Deno.test("what is allowed still works under rules", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker, {
    MQTT_ALLOW_PUBLISH: "lamp/+/set,x",
    MQTT_DENY_PUBLISH: "lamp/door/set",
    MQTT_ALLOW_SUBSCRIBE: "lamp/#",
  });
  await wire.do("publish", { topic: "lamp/kitchen/set", message: "on", retain: true });
  await wire.do("publish", { topic: "x", message: "1" });
  const { messages } = await wire.do("get_retained", { topic: "lamp/+/set" });
  assertEquals(messages.map(({ payload }) => payload), ["on"]);
  await wire.do("subscribe", { topic: "lamp/#", timeout: 0 });
  await wire.do("unsubscribe", { topic: "lamp/#" });
  assertRefused(
    await wire.call("publish", { topic: "lamp/door/set", message: "on" }),
    "MQTT_DENY_PUBLISH denies 'lamp/door/set'",
  );
});

Deno.test("a wide filter delivers nothing that is denied, by whichever tool", async () => {
  await using broker = await startAedes();
  await broker.publish("home/alarm/code", "1234", { retain: true });
  await broker.publish("home/lamp", "on", { retain: true });
  await using client = await startClient(broker, { MQTT_DENY_SUBSCRIBE: "home/alarm/#" });
  const retained = await client.do("get_retained", { topic: "home/#", timeout: 5 });
  const subscribed = await client.do("subscribe", { topic: "home/#", timeout: 5, match: "on" });
  const listing = client.do("list_topics", { topic: "home/#", timeout: 0.3 });
  const request = client.do("request", {
    topic: "get",
    message: "?",
    response_topic: "home/#",
    timeout: 30,
  });
  await broker.saw("publish", ({ topic }) => topic === "get");
  await broker.publish("home/alarm/state", "armed");
  await broker.publish("home/lamp", "off");
  const collected = await client.do("subscribe", {
    topic: "home/#",
    timeout: 30,
    match: "off",
    include_retained: false,
  });
  const listed = await listing as ListResult;
  const answered = await request as RequestResult;
  const seen = [retained, subscribed, collected].map(({ messages }) =>
    messages.map(({ topic, payload }) => `${topic} ${payload}`)
  );
  assertEquals(seen, [["home/lamp on"], ["home/lamp on"], ["home/lamp off"]]);
  assertEquals(listed.topics.map(({ topic }) => topic), ["home/lamp"]);
  assertStringIncludes(listed.note, "the operator's access policy may hide some");
  assertEquals([answered.response?.topic, answered.response?.payload], ["home/lamp", "off"]);
});

Deno.test("what a broker sends unasked is shown to nobody", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker, { MQTT_ALLOW_SUBSCRIBE: "a/#" });
  await wire.do("subscribe", { topic: "a/#", timeout: 0 });
  await broker.publish("$SYS/a", "x");
  await broker.publish("a/b", "seen");
  const { messages } = await wire.do("subscribe", { topic: "a/#", timeout: 30, match: "seen" });
  assertEquals(messages.map(({ topic }) => topic), ["a/b"]);
});

Deno.test("read-only takes publish and request off the list, and the instructions say so", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker, { MQTT_READ_ONLY: "true" });
  const { tools } = await wire.result("tools/list") as {
    tools: { name: string; description: string; annotations: { readOnlyHint: boolean } }[];
  };
  assertEquals(
    tools.map(({ name }) => name),
    ["subscribe", "get_retained", "unsubscribe", "list_topics", "status"],
  );
  assertFalse(JSON.stringify(tools).includes("use request"));
  const { instructions } = await wire.result("initialize", {
    protocolVersion: "2024-11-05",
    capabilities: {},
    clientInfo: { name: "again", version: "1" },
  });
  assertMatch(String(instructions), /The operator allows reading only: nothing can be published/);
  assertFalse(/\b(publish|request)\b(?!ed)/.test(String(instructions)));
  for (const name of ["publish", "request"]) {
    const result = await wire.result("tools/call", {
      name,
      arguments: { topic: "a", message: "x", response_topic: "b" },
    });
    assertEquals(result.isError, true);
    assertStringIncludes(JSON.stringify(result.structuredContent), "MQTT_READ_ONLY is set");
  }
  assertEquals((await wire.do("status", {}))["read_only"], true);
  assertFalse(broker.packets.all.some(({ packet }) => packet.cmd === "publish"));
});

Deno.test("the instructions tell of rules, and of none where there are none", async () => {
  await using broker = await startAedes();
  const cases: [Record<string, unknown>, RegExp | null][] = [
    [{}, null],
    [{ MQTT_DENY_PUBLISH: "locks/#" }, /The operator allows certain topics only/],
    [{ MQTT_ALLOW_SUBSCRIBE: "a" }, /The operator allows certain topics only/],
  ];
  for (const [credentials, words] of cases) {
    await using wire = await McpClient.start(broker, credentials);
    const { instructions } = await wire.result("initialize", {
      protocolVersion: "2024-11-05",
      capabilities: {},
      clientInfo: { name: "again", version: "1" },
    });
    if (words === null) assertFalse(/operator/.test(String(instructions)));
    else assertMatch(String(instructions), words);
  }
});

Deno.test("resources obey the policy", async () => {
  await using broker = await startAedes();
  await broker.publish("home/alarm", "1234", { retain: true });
  await using wire = await McpClient.start(broker, { MQTT_DENY_SUBSCRIBE: "home/alarm/#" });
  for (const topic of ["home/alarm", "home/alarm/x", "home%2Falarm", "home/%61larm"]) {
    for (const method of ["resources/read", "resources/subscribe"]) {
      const { message } = await wire.error(method, { uri: `mqtt://broker/${topic}` });
      assertStringIncludes(message, "MQTT_DENY_SUBSCRIBE denies 'home/alarm/#'");
      assertFalse(message.includes("1234"));
    }
  }
  await wire.do("subscribe", { topic: "home/#", timeout: 0.2 });
  const { completion } = await wire.result("completion/complete", {
    ref: { type: "ref/resource", uri: "mqtt://broker/{+topic}" },
    argument: { name: "topic", value: "" },
  });
  assertEquals((completion as { values: string[] }).values, []);
});
