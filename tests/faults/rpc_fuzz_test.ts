import { assert, assertEquals } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import type { Random } from "../support/random.ts";
import { handshake } from "../support/sdk_client.ts";
import {
  credentialsFor,
  SERVER_KINDS,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";
import { type Answer, initialize, PlainServer } from "./lines.ts";
import { amount, randomFor, report, residentMiB } from "./support.ts";

const LINES = amount(10_000, 1_000);
const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "", "publish ", "\u0000"];
const METHODS = [
  "ping",
  "tools/list",
  "tools/call",
  "resources/list",
  "resources/read",
  "resources/templates/list",
  "prompts/list",
  "completion/complete",
  "logging/setLevel",
  "initialize",
  "no/such",
  ...NAMES,
];

/** A value of any shape. */
function anything(random: Random, depth = 0): unknown {
  const leaf = [null, true, false, 0, -1, 1.5, 1e308, "", "a/b", "x".repeat(300), ...NAMES];
  if (depth > 2 || random.chance(0.6)) return random.pick(leaf);
  if (random.chance(0.4)) {
    return Array.from({ length: random.int(0, 3) }, () => anything(random, depth + 1));
  }
  const entries = Array.from({ length: random.int(0, 3) }, () => [
    random.pick([...NAMES, "topic", "message", "timeout", "uri", "name", "arguments", "_meta"]),
    anything(random, depth + 1),
  ]);
  // Own properties of these names, as JSON.parse makes them.
  return JSON.parse(
    `{${
      entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")
    }}`,
  );
}

function callParams(random: Random): unknown {
  const name = random.pick([
    "publish",
    "subscribe",
    "get_retained",
    "unsubscribe",
    "status",
    "list_topics",
    ...NAMES,
  ]);
  const args: Record<string, unknown> = {};
  const keys = ["topic", "message", "qos", "retain", "timeout", "max_messages", "nonsense"];
  for (const key of keys) {
    if (random.chance(0.4)) args[key] = anything(random);
  }
  // Otherwise the run would wait as long as the longest timeout says.
  if (typeof args.timeout === "number" || args.timeout === true) args.timeout = 0.01;
  if (name === "subscribe" || name === "list_topics" || name === "get_retained") {
    args.timeout ??= 0.01;
  }
  return { name, arguments: random.chance(0.9) ? args : anything(random) };
}

/** A line and, when it must be answered under its own id, that id. */
function line(random: Random, i: number): { bytes: Uint8Array; id?: string | number } {
  // No mutation makes one of these out of another.
  const id = random.chance(0.5) ? `id-${i}` : 1_000_000 + i;
  const method = random.pick(METHODS);
  const params = method === "tools/call" || random.chance(0.3)
    ? callParams(random)
    : anything(random);
  const object = typeof params === "object" && params !== null && !Array.isArray(params);
  const message = {
    jsonrpc: "2.0",
    id,
    method: object ? random.pick([method, "tools/call"]) : method,
    ...(object ? { params } : {}),
  };
  const text = JSON.stringify(message);
  const utf8 = new TextEncoder();
  switch (random.int(0, 9)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return { bytes: utf8.encode(text), id };
    case 4: {
      // A byte is another one, but never the end of the line.
      const bytes = utf8.encode(text);
      for (let n = random.int(1, 4); n > 0; n--) {
        bytes[random.int(0, bytes.length - 1)] = random.pick([
          0,
          0x22,
          0x7b,
          0x80,
          0xff,
          0x5c,
          0x41,
        ]);
      }
      return { bytes };
    }
    case 5:
      return { bytes: utf8.encode(text.slice(0, random.int(0, text.length - 1))) };
    case 6:
      return {
        bytes: utf8.encode(JSON.stringify(Array.from({ length: random.int(0, 3) }, () => message))),
      };
    case 7:
      return {
        bytes: utf8.encode(
          JSON.stringify(
            random.chance(0.5) ? anything(random) : { ...message, jsonrpc: anything(random) },
          ),
        ),
      };
    case 8:
      return {
        bytes: utf8.encode(
          JSON.stringify({
            ...message,
            id: anything(random),
            method: random.chance(0.5) ? method : anything(random),
            params: anything(random),
          }),
        ),
      };
    default:
      return {
        bytes: utf8.encode(
          JSON.stringify({
            jsonrpc: "2.0",
            method: random.pick([
              "notifications/cancelled",
              "notifications/progress",
              "notifications/initialized",
              "no/such",
            ]),
            params: { requestId: anything(random) },
          }),
        ),
      };
  }
}

testEachKind(
  "mutated lines by the thousand: each valid id is answered once, stdout is JSON-RPC",
  async (kind) => {
    const random = randomFor(`lines (${kind})`);
    await using broker = await startAedes();
    await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
    const expected = new Set<string | number>();
    const answers = new Map<unknown, number>();
    const malformed: Answer[] = [];
    server.onAnswer = (answer) => {
      if (answer.method !== undefined || ("result" in answer) === ("error" in answer)) {
        malformed
          .push(answer);
      }
      answers.set(answer.id, (answers.get(answer.id) ?? 0) + 1);
    };
    const before = await residentMiB(server.pid);
    for (let i = 0; i < LINES;) {
      // In portions, since more than 1,000 requests under way are refused.
      const portion = Array.from({ length: 100 }, () => line(random, i++));
      for (const { id } of portion) if (id !== undefined) expected.add(id);
      const bytes = portion.flatMap((
        { bytes },
      ) => [...bytes.filter((byte) => byte !== 0x0a), 0x0a]);
      await server.write(Uint8Array.from(bytes));
      const { result } = await server.request("ping");
      assertEquals(result, {}, `seed ${random.seed}, before line ${i}`);
    }
    const deadline = performance.now() + 30_000;
    const missing = () => [...expected].filter((id) => !answers.has(id));
    while (missing().length > 0 && performance.now() < deadline) await server.request("ping");
    const twice = [...expected].filter((id) => (answers.get(id) ?? 0) > 1);
    report(
      1,
      `${LINES} lines (${kind}): ${expected.size} valid ids, ${answers.get(null) ?? 0} refusals ` +
        `without an id, memory ${before} -> ${await residentMiB(server.pid)} MiB`,
    );
    const seed = `seed ${random.seed}`;
    assertEquals([missing().slice(0, 5), twice.slice(0, 5)], [[], []], seed);
    assertEquals([server.notJson, malformed.slice(0, 5)], [[], []], seed);
    assert(!server.over, seed);
  },
);

testEachKind(
  "duplicate ids and batches leave the server sound",
  async (kind) => {
    await using broker = await startAedes();
    await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
    const call = (id: unknown) =>
      JSON.stringify({
        jsonrpc: "2.0",
        id,
        method: "tools/call",
        params: { name: "subscribe", arguments: { topic: "a", timeout: 0.5 } },
      });
    await server.write(`${call("same")}\n${call("same")}\n${call("same")}\n[${call("in")}]\n[]\n`);
    await server.strays.count(5);
    const ids = server.strays.all.map(({ id }) => id);
    assertEquals(
      [ids.filter((id) => id === "same").length, ids.filter((id) => id === null).length],
      [1, 4],
    );
    assertEquals((await server.request("ping")).result, {});
  },
  { kinds: SERVER_KINDS },
);

testEachKind(
  "calls before initialize are each answered once, and initialize still works",
  async (kind) => {
    await using broker = await startAedes();
    await using server = spawnServer({ kind });
    await handshake(server, credentialsFor(broker));
    const early: unknown[] = [
      ...["tools/list", "ping", "resources/list", "no/such"].map((method) => ({ method })),
      {
        method: "tools/call",
        params: { name: "publish", arguments: { topic: "t", message: "m" } },
      },
      { method: "tools/call", params: { name: "__proto__", arguments: {} } },
    ];
    const answers: Answer[] = [];
    for (const [id, message] of early.entries()) {
      await server.writeJson({ jsonrpc: "2.0", id, ...message as object });
    }
    for (const _ of early) answers.push(JSON.parse(await server.lines.next()));
    assertEquals(
      answers.map(({ id }) => id).sort(),
      early.map((_, id) => id),
    );
    assertEquals(answers.filter((answer) => ("result" in answer) === ("error" in answer)), []);
    const refused = answers.filter(({ error }) => error !== undefined).length;
    await initialize(server);
    await server.writeJson({ jsonrpc: "2.0", id: "last", method: "ping" });
    assertEquals(JSON.parse(await server.lines.next()), { jsonrpc: "2.0", id: "last", result: {} });
    report(
      1,
      `${early.length} calls before initialize (${kind}): each answered once, ${refused} refused`,
    );
  },
);
