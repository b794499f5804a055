import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Inbound, readMessage } from "../src/rpc.ts";
import { utf8 } from "./support/byte_streams.ts";

function read(value: unknown): Inbound {
  return readMessage(utf8(typeof value === "string" ? value : JSON.stringify(value)));
}

/** Code, id and message of the refusal of what is not fit. */
function refusalOf(value: unknown): [number, unknown, string] {
  const inbound = read(value);
  assert(inbound.kind === "refused", `${JSON.stringify(value)} is a ${inbound.kind}`);
  const { id, error, jsonrpc } = inbound.refusal;
  assertEquals(jsonrpc, "2.0");
  // Words of a validation library have no place in an answer.
  assert(!/zod|invalid_type|expected|"path"/i.test(error.message), error.message);
  return [error.code, id, error.message];
}

const RPC = { jsonrpc: "2.0" };

Deno.test("requests, notifications and responses are told apart", () => {
  for (const id of [1, 0, -5, "a", ""]) {
    const inbound = read({ ...RPC, id, method: "ping" });
    assertEquals(inbound.kind === "request" && inbound.id, id);
  }
  assertEquals(read({ ...RPC, id: 1, method: "x", params: { a: [1] } }).kind, "request");
  assertEquals(read({ ...RPC, method: "notifications/initialized" }).kind, "notification");
  assertEquals(read({ ...RPC, id: 1, result: {} }).kind, "ignored");
});

Deno.test("no notification is answered, however malformed", () => {
  for (const params of [null, 5, "x", [], { _meta: 5 }, { _meta: { progressToken: {} } }]) {
    const notification = { ...RPC, method: "notifications/initialized", params };
    assertEquals(read(notification).kind, "ignored", JSON.stringify(params));
  }
});

Deno.test("members that JSON-RPC does not have are left out", () => {
  const request = { ...RPC, id: 1, method: "ping", params: {} };
  const inbound = read({ ...request, trace: "x", method: "ping" });
  assertEquals(inbound, { kind: "request", id: 1, message: request } as Inbound);
  const cancelled = { ...RPC, method: "notifications/cancelled", params: { requestId: 1 } };
  assertEquals(
    read({ ...cancelled, trace: "x" }),
    { kind: "notification", message: cancelled } as Inbound,
  );
});

Deno.test("what is not JSON in UTF-8 is a parse error without an id", () => {
  for (const line of ["", "{", "nonsense", '{"jsonrpc":"2.0",}', "\ufeff{"]) {
    assertEquals(refusalOf(line).slice(0, 2), [-32700, null]);
  }
  const inbound = readMessage(Uint8Array.of(0x22, 0xff, 0x22));
  assert(inbound.kind === "refused" && inbound.refusal.error.code === -32700);
});

Deno.test("what is JSON but no request is invalid, with the id where there is one", () => {
  const rows: [unknown, unknown, RegExp][] = [
    [[], null, /batches/],
    [[{ ...RPC, id: 1, method: "ping" }], null, /batches/],
    ["5", null, /not a JSON object/],
    ["null", null, /not a JSON object/],
    ["true", null, /not a JSON object/],
    [{}, null, /jsonrpc must be/],
    [{ jsonrpc: "1.0", id: 7, method: "ping" }, 7, /jsonrpc must be/],
    [{ id: "x", method: "ping" }, "x", /jsonrpc must be/],
    [{ ...RPC, id: 7 }, 7, /no method/],
    [{ ...RPC, id: 7, method: 5 }, 7, /method must be a string/],
    [{ ...RPC, id: null, method: "ping" }, null, /id must be/],
    [{ ...RPC, id: 1.5, method: "ping" }, null, /id must be/],
    [{ ...RPC, id: {}, method: "ping" }, null, /id must be/],
    [{ ...RPC, id: 7, method: "ping", params: 5 }, 7, /params must be an object/],
    [{ ...RPC, id: 7, method: "ping", params: "x" }, 7, /params must be an object/],
    [{ ...RPC, id: 7, method: "ping", params: [] }, 7, /params/],
    [{ ...RPC, id: 7, method: "ping", params: { _meta: 5 } }, 7, /params/],
    [{ ...RPC, id: 7, method: "ping", params: { _meta: { progressToken: {} } } }, 7, /params/],
  ];
  for (const [value, id, message] of rows) {
    const refusal = refusalOf(value);
    assertEquals(refusal.slice(0, 2), [-32600, id], JSON.stringify(value));
    assertMatch(refusal[2], message);
  }
});

Deno.test("keys that objects have anyway do no harm", () => {
  const line = '{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":{"id":2},"constructor":5}';
  assert(["request", "refused"].includes(readMessage(utf8(line)).kind));
  assertEquals(({} as Record<string, unknown>)["id"], undefined);
});
