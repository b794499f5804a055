import { startAedes } from "./support/aedes.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dataOf, start, Wire } from "./support/wire.ts";

Deno.test("unknown tools and bad shapes of arguments get errors in plain words", async () => {
  await using stage = await start();
  const { wire } = stage;
  const rows: [unknown, RegExp][] = [
    [{ name: "nope", arguments: {} }, /there is no tool 'nope'/],
    [{ name: "__proto__" }, /there is no tool/],
    [{ name: "constructor", arguments: {} }, /there is no tool/],
    [{ name: "" }, /there is no tool/],
    [{ name: 5 }, /name must be a string/],
    [{}, /name must be a string/],
    [undefined, /name must be a string/],
    [{ name: "publish", arguments: [] }, /arguments must be an object/],
    [{ name: "publish", arguments: "x" }, /arguments must be an object/],
    [{ name: "publish", arguments: 5 }, /arguments must be an object/],
    [{ name: "x".repeat(30_000) }, /there is no tool 'x/],
  ];
  for (const [index, [params, message]] of rows.entries()) {
    const answer = await wire.request(index, "tools/call", params);
    assertEquals(
      [answer.id, answer.error?.code],
      [index, -32602],
      JSON.stringify(params)?.slice(0, 80),
    );
    assertMatch(answer.error?.message ?? "", message);
    assert((answer.error?.message ?? "").length < 2_000);
  }
  for (const args of [undefined, null, {}, { topic: 5, message: {} }]) {
    const answer = await wire.call("args", "publish", args);
    if (args === null) assertEquals(answer.error?.code ?? -32602, -32602);
    else assertEquals(dataOf(answer)["code"], "INVALID_ARGUMENT");
  }
  await wire.assertQuietAndAlive();
});

Deno.test("malformed lines, batches and unknown methods are answered, and hearing goes on", async () => {
  await using stage = await start();
  const { wire } = stage;
  const rows: [unknown, number, unknown][] = [
    ["{", -32700, null],
    ["[]", -32600, null],
    ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, null],
    ["5", -32600, null],
    [{ jsonrpc: "2.0", id: 1 }, -32600, 1],
    [{ jsonrpc: "2.0", id: 2, method: "tools/call", params: [] }, -32600, 2],
    [{ jsonrpc: "2.0", id: 3, method: "no/such" }, -32601, 3],
    [{ jsonrpc: "2.0", id: 4, method: "__proto__" }, -32601, 4],
    [{ jsonrpc: "2.0", id: 5, method: "logging/setLevel", params: { level: "debug" } }, -32601, 5],
    [{ jsonrpc: "2.0", id: 6, method: "initialize", params: {} }, -32602, 6],
    [{ jsonrpc: "2.0", id: 7, method: "prompts/list" }, -32601, 7],
    [{ jsonrpc: "2.0", id: 8, method: "sampling/createMessage", params: {} }, -32601, 8],
    [{ jsonrpc: "2.0", id: 9, method: "resources/read", params: { uri: 5 } }, -32602, 9],
    [{ jsonrpc: "2.0", id: 10, method: "completion/complete", params: { ref: 5 } }, -32602, 10],
    [{ jsonrpc: "2.0", id: 11, method: "tasks/get", params: {} }, -32601, 11],
  ];
  for (const [line, code, id] of rows) {
    const answer = await wire.ask(line);
    assertEquals([answer.error?.code, answer.id], [code, id], JSON.stringify(line));
    assertEquals((await wire.request("p", "ping")).id, "p");
  }
  await wire.assertQuietAndAlive();
});

Deno.test("initialize with wrong params says what it needs, and a right one is still taken", async () => {
  await using broker = await startAedes();
  await using wire = new Wire(broker);
  await wire.serving.begin();
  const clientInfo = { name: "c", version: "1" };
  const good = { protocolVersion: "2024-11-05", capabilities: {}, clientInfo };
  const bad = [
    undefined,
    {},
    { ...good, protocolVersion: 5 },
    { ...good, capabilities: 5 },
    { ...good, clientInfo: undefined },
    { ...good, clientInfo: { name: 5, version: "1" } },
  ];
  for (const params of bad) {
    const { id, error } = await wire.request(3, "initialize", params);
    assertEquals([id, error?.code], [3, -32602], JSON.stringify(params));
    assertMatch(error?.message ?? "", /protocolVersion/);
  }
  assertEquals((await wire.request(4, "initialize", good)).error, undefined);
});

Deno.test("notifications and responses nobody asked for are taken without a word", async () => {
  await using stage = await start();
  const { wire } = stage;
  wire.send({ jsonrpc: "2.0", method: "notifications/unknown", params: { a: 1 } });
  wire.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 99 } });
  wire.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: {} });
  wire.send({ jsonrpc: "2.0", method: "notifications/cancelled" });
  wire.send({
    jsonrpc: "2.0",
    method: "notifications/progress",
    params: { progressToken: 1, progress: 1 },
  });
  wire.send({ jsonrpc: "2.0", method: "notifications/roots/list_changed" });
  wire.send({ jsonrpc: "2.0", id: 5, result: {} });
  wire.send({ jsonrpc: "2.0", id: 5, error: { code: 1, message: "x" } });
  await wire.assertQuietAndAlive();
});

Deno.test("an id that is under way is refused without answering the first one's id", async () => {
  await using stage = await start();
  const { wire } = stage;
  wire.send({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "subscribe", arguments: { topic: "t", timeout: 60, max_messages: 1 } },
  });
  await stage.broker.saw("subscribe");
  const twice = await wire.request(1, "ping");
  assertEquals([twice.id, twice.error?.code], [null, -32600]);
  const published = await wire.call(2, "publish", { topic: "t", message: "x" });
  const both = [published, await wire.messages.next()];
  assertEquals(both.map(({ id }) => id).sort(), [1, 2]);
});

Deno.test("a cancelled call is not answered, and loses no message", async () => {
  await using stage = await start();
  const { wire } = stage;
  wire.send({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "subscribe", arguments: { topic: "t", timeout: 60 } },
  });
  await stage.broker.saw("subscribe");
  dataOf(await wire.call(2, "publish", { topic: "t", message: "kept for later" }));
  wire.send({
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: 1, reason: "enough" },
  });
  const data = dataOf(await wire.call(3, "subscribe", { topic: "t", timeout: 5, max_messages: 1 }));
  assertEquals((data["messages"] as { payload: string }[]).map(({ payload }) => payload), [
    "kept for later",
  ]);
  assertEquals(wire.messages.all.some(({ id }) => id === 1), false);
});

Deno.test("progress comes only to who asked, with the token as it was given", async () => {
  await using stage = await start();
  const { wire } = stage;
  for (const progressToken of ["token", 0]) {
    wire.send({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: {
        name: "subscribe",
        arguments: { topic: "t", timeout: 1.3 },
        _meta: { progressToken },
      },
    });
    const progress = await wire.messages.next();
    assertEquals(
      [progress.method, progress.params?.["progressToken"], progress.params?.["total"]],
      [
        "notifications/progress",
        progressToken,
        1.3,
      ],
    );
    assertEquals((await wire.messages.next()).id, 1);
  }
  const before = wire.messages.all.length;
  dataOf(await wire.call(2, "subscribe", { topic: "t", timeout: 1.3 }));
  assertEquals(wire.messages.all.length, before + 1);
});
