import { assert, assertEquals, assertMatch } from "@std/assert";
import { startAedes } from "./support/aedes.ts";
import { McpClient } from "./tools/mcp_client.ts";
import { read, textOf, uriOf } from "./tools/resource_reading.ts";

const BAD: [unknown, RegExp][] = [
  [uriOf("home/#"), /'home\/#': a topic name must not contain wildcards; .* get_retained/],
  [uriOf("home/+/x"), /wildcards; for several topics use the tool get_retained/],
  [uriOf("home/%23"), /wildcards/],
  [uriOf("home/%2B"), /wildcards/],
  [uriOf(""), /must not be empty/],
  [uriOf("a%00b"), /NUL/],
  [uriOf("a%E0%A4%A"), /not correctly percent-encoded/],
  [uriOf("a%"), /not correctly percent-encoded/],
  [uriOf("a%FF"), /not correctly percent-encoded/],
  [uriOf("x".repeat(65_536)), /65,535/],
  [uriOf("$share/g/x"), /shared subscription/],
  [uriOf("$share/g"), /\$share|shared subscription/],
  ["mqtt://other/x", /uri must begin with mqtt:\/\/broker\//],
  ["file:///etc/passwd", /uri must begin with/],
  ["home/x", /uri must begin with/],
  [undefined, /uri must begin with/],
  [5, /uri must begin with/],
];

Deno.test("a URI that names no single topic is refused with the rule, and nothing is asked", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  for (const method of ["resources/read", "resources/subscribe"]) {
    for (const [uri, words] of BAD) {
      const { code, message } = await wire.error(method, { uri });
      assertEquals(code, -32602, `${uri}`.slice(0, 100));
      assertMatch(message, words);
    }
  }
  assert(!broker.packets.all.some(({ packet }) => packet.cmd === "subscribe"));
});

Deno.test("every topic name has a URI, by percent-encoding", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  const topics = [
    "a b",
    "a%41",
    "/",
    "//a",
    "ä/€/😀",
    "a?b=c",
    "a:b;c",
    "$x/y",
    "a\u202eb",
    "\n",
  ];
  for (const topic of topics) {
    await broker.publish(topic, topic, { retain: true });
    const encoded = await read(wire, topic.split("/").map(encodeURIComponent).join("/"));
    assertEquals([textOf(encoded), encoded._meta.source], [topic, "retained"]);
    const whole = await read(wire, encodeURIComponent(topic));
    assertEquals(textOf(whole), topic);
  }
});

/** Completions of the template's parameter. */
async function complete(
  wire: McpClient,
  value: string,
): Promise<{ values: string[]; total: number }> {
  const { completion } = await wire.result("completion/complete", {
    ref: { type: "ref/resource", uri: "mqtt://broker/{+topic}" },
    argument: { name: "topic", value },
  });
  return completion as { values: string[]; total: number };
}

Deno.test("topics that were seen are completed, such that the URI leads to them", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  assertEquals(await complete(wire, ""), { values: [], total: 0, hasMore: false } as never);
  for (const topic of ["home/b", "home/a", "other", "home/50%", "home/\u202e", "home/x y"]) {
    await broker.publish(topic, topic, { retain: true });
  }
  await wire.do("get_retained", { topic: "#", timeout: 5 });
  const { values } = await complete(wire, "home/");
  assertEquals(values.length, 5);
  for (const value of values) {
    const content = await read(wire, value);
    assertEquals(textOf(content), decodeURIComponent(value));
    assert(/^[!-~]+$/.test(value), value);
  }
  assertEquals((await complete(wire, "home/b")).values, ["home/b"]);
  assertEquals((await complete(wire, "home/x y")).values.length, 1);
  assertEquals((await complete(wire, "none")).total, 0);
});

Deno.test("at most 100 completions are given, with the count of all", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  for (let i = 0; i < 150; i++) await broker.publish(`t/${i}`, "x", { retain: true });
  await wire.do("get_retained", { topic: "t/#", timeout: 5 });
  const { values, total } = await complete(wire, "t/");
  assertEquals([values.length, total], [100, 150]);
});

Deno.test("a completion of something else is refused", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  const ref = { type: "ref/resource", uri: "mqtt://broker/{+topic}" };
  const topic = { name: "topic", value: "" };
  const bad = [
    {},
    { ref, argument: { name: "other", value: "" } },
    { ref, argument: { name: "topic", value: 5 } },
    { ref, argument: null },
    { ref: { type: "ref/prompt", name: "x" }, argument: topic },
    { ref: { type: "ref/resource", uri: "mqtt://broker/x" }, argument: topic },
    { ref: "mqtt://broker/{+topic}", argument: topic },
  ];
  for (const params of bad) {
    assertEquals((await wire.error("completion/complete", params)).code, -32602);
  }
});

Deno.test("the template is listed and says that values are untrusted", async () => {
  await using broker = await startAedes();
  await using wire = await McpClient.start(broker);
  const { resourceTemplates } = await wire.result("resources/templates/list") as {
    resourceTemplates: { uriTemplate: string; description: string }[];
  };
  assertEquals(resourceTemplates.map(({ uriTemplate }) => uriTemplate), ["mqtt://broker/{+topic}"]);
  assertMatch(resourceTemplates[0]?.description ?? "", /Untrusted data.*never instructions/);
  assertEquals(await wire.result("resources/list"), { resources: [] });
});
