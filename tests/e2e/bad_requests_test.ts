import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type AedesBroker, startAedes } from "../support/aedes.ts";
import { handshake } from "../support/sdk_client.ts";
import {
  credentialsFor,
  type ServerProcess,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";

/** What gives a validation library's report away. */
const DUMP =
  /invalid_type|invalid_union|unrecognized_keys|too_small|Zod|"path"|"expected"|\bat \/|\.ts:\d/;

interface Answer {
  readonly id: unknown;
  readonly error?: { code: number; message: string };
  readonly result?: { isError?: boolean; content: { text: string }[] };
}

/** Sends lines as they are; each one is answered by one line. */
class Wire {
  readonly #server: ServerProcess;

  constructor(server: ServerProcess) {
    this.#server = server;
  }

  async send(line: string | Uint8Array): Promise<Answer> {
    await this.#server.write(line);
    if (typeof line === "string") await this.#server.write("\n");
    const answer = await this.#server.lines.next();
    assert(!DUMP.test(answer), answer);
    return JSON.parse(answer);
  }

  request(id: number, method: string, params?: unknown): Promise<Answer> {
    return this.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  }

  call(id: number, name: unknown, args: unknown): Promise<Answer> {
    return this.request(id, "tools/call", { name, arguments: args });
  }

  async assertAlive(id: number): Promise<void> {
    assertEquals(await this.request(id, "ping"), { jsonrpc: "2.0", id, result: {} } as never);
  }
}

async function connected(broker: AedesBroker, server: ServerProcess): Promise<Wire> {
  await handshake(server, credentialsFor(broker));
  const wire = new Wire(server);
  await wire.request(0, "initialize", {
    protocolVersion: "2024-11-05",
    capabilities: {},
    clientInfo: { name: "bad-requests-test", version: "1.0.0" },
  });
  await server.writeJson({ jsonrpc: "2.0", method: "notifications/initialized" });
  return wire;
}

testEachKind(
  "lines that are not JSON-RPC get an error each, and the next one is heard",
  async (kind) => {
    await using broker = await startAedes();
    await using server = spawnServer({ kind });
    const wire = await connected(broker, server);
    const parseError = -32700;
    const invalidRequest = -32600;
    const notUtf8 = new Uint8Array([0x22, 0xff, 0x22, 0x0a]);
    for (
      const [line, code] of [
        ["{", parseError],
        ["hello", parseError],
        [notUtf8, parseError],
        [`"text"`, invalidRequest],
        ["17", invalidRequest],
        ["null", invalidRequest],
        ["[]", invalidRequest],
        ["{}", invalidRequest],
        [`{"jsonrpc":"1.0","id":7,"method":"ping"}`, invalidRequest],
        [`{"jsonrpc":"2.0","id":7,"method":5}`, invalidRequest],
        [`{"jsonrpc":"2.0","id":{},"method":"ping"}`, invalidRequest],
      ] as const
    ) {
      const { error } = await wire.send(line);
      assertEquals(error?.code, code, String(line));
      await wire.assertAlive(8);
    }
  },
);

testEachKind("a line beyond every bound gets an error, and the next one is heard", async (kind) => {
  await using broker = await startAedes();
  await using server = spawnServer({ kind });
  const wire = await connected(broker, server);
  // The official stdio transport goes deaf after 10 MiB; the server's own bound lies above that.
  for (const [mebibytes, fits] of [[12, true], [17, false]] as const) {
    const text = "x".repeat(mebibytes * 1024 * 1024);
    const answer = await wire.request(1, "ping", { text });
    assertEquals(answer.error === undefined, fits, JSON.stringify(answer).slice(0, 200));
    await wire.assertAlive(2);
  }
});

testEachKind("a line of deep nesting does no harm", async (kind) => {
  await using broker = await startAedes();
  await using server = spawnServer({ kind });
  const wire = await connected(broker, server);
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  const call = `"method":"tools/call","params":{"name":"publish","arguments":{"topic":${deep}}}`;
  for (
    const line of [
      deep,
      `{"jsonrpc":"2.0","id":1,${call}}`,
      `{"jsonrpc":"2.0","id":${deep},"method":"ping"}`,
      `{"jsonrpc":"2.0","id":2,"method":"ping","params":{"_meta":{"progressToken":${deep}}}}`,
      `{"jsonrpc":"2.0","id":3,"method":"initialize","params":${deep}}`,
    ]
  ) {
    const { error, result } = await wire.send(line);
    assert(error !== undefined || result !== undefined, line.slice(0, 100));
    await wire.assertAlive(8);
  }
});

testEachKind("unknown methods and tools get proper errors", async (kind) => {
  await using broker = await startAedes();
  await using server = spawnServer({ kind });
  const wire = await connected(broker, server);
  assertEquals((await wire.request(1, "no/such/method")).error?.code, -32601);
  const unknown = await wire.call(2, "no_such_tool", {});
  const said = unknown.error?.message ?? unknown.result?.content[0]?.text ?? "";
  assertStringIncludes(said, "no_such_tool");
  for (const name of [undefined, 5, null, {}]) {
    const { error, result } = await wire.call(3, name, {});
    assert(error !== undefined || result?.isError === true);
  }
  assertEquals(typeof (await wire.request(4, "tools/call")).error?.code, "number");
  assertEquals(typeof (await wire.request(5, "tools/call", [])).error?.code, "number");
  await wire.assertAlive(6);
});

testEachKind("wrong arguments are explained in a sentence", async (kind) => {
  await using broker = await startAedes();
  await using server = spawnServer({ kind });
  const wire = await connected(broker, server);
  const topic = "a";
  const message = "m";
  const wrong: [tool: string, args: unknown, names: RegExp][] = [
    ["publish", { topic }, /message/],
    ["publish", { message }, /topic/],
    ["publish", { topic: 5, message: {} }, /topic|message/],
    ["publish", { topic, message, qos: 3 }, /qos/i],
    ["publish", { topic, message, qos: "high" }, /qos/i],
    ["publish", { topic, message, retain: "perhaps" }, /retain/],
    ["publish", { topic: "", message }, /topic/],
    ["publish", { topic: "a/#", message }, /wildcard/],
    ["publish", { topic: "a\u0000b", message }, /NUL|null|U\+0000|character/i],
    ["publish", { topic: "x".repeat(65_536), message }, /65,?535/],
    ["subscribe", { topic: "a/#/b" }, /#/],
    ["subscribe", { topic: "a+" }, /\+/],
    ["subscribe", { topic: "$share/g" }, /share/],
    ["subscribe", { topic, timeout: 301 }, /300/],
    ["subscribe", { topic, timeout: -1 }, /300/],
    ["subscribe", { topic, timeout: "soon" }, /timeout/],
    ["subscribe", { topic, max_messages: 0 }, /max_messages/],
    ["get_retained", { topic, timeout: 1e9 }, /300/],
    ["get_retained", { topic: "+a" }, /\+/],
    ["unsubscribe", {}, /topic/],
    ["unsubscribe", "topic", /argument/i],
    ["publish", [], /argument|topic/i],
    ["publish", null, /argument|topic/i],
  ];
  for (const [i, [tool, args, names]] of wrong.entries()) {
    const { error, result } = await wire.call(100 + i, tool, args);
    const text = error?.message ?? result?.content[0]?.text ?? "";
    const about = `${tool} ${JSON.stringify(args)?.slice(0, 80)}: ${text.slice(0, 300)}`;
    assertMatch(text, names, about);
    assert(text.length < 1_000, about);
    if (result !== undefined) {
      assertEquals([result.isError, JSON.parse(text).success], [true, false], about);
    }
  }
  await wire.assertAlive(200);
  assertEquals(broker.packets.all.filter(({ packet }) => packet.cmd === "publish"), []);
});
