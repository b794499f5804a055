/**
 * JSON-RPC at the door: what a line from the client is, and the answer when it is not fit to be
 * handed on. The SDK drops such lines without an answer, or answers with its validator's dump.
 *
 * @module
 */

import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types";
import { RPC_CODES } from "./rpc_error.ts";

/** A JSON-RPC error response; `id` is null when the request's own could not be told. */
export interface Refusal {
  readonly jsonrpc: "2.0";
  readonly id: RequestId | null;
  readonly error: { readonly code: number; readonly message: string };
}

/** What a line holds. */
export type Inbound =
  | { readonly kind: "request"; readonly id: RequestId; readonly message: JSONRPCMessage }
  | { readonly kind: "notification"; readonly message: JSONRPCMessage }
  | { readonly kind: "ignored" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** An error response. */
export function refusal(id: RequestId | null, code: number, message: string): Refusal {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Tells what the bytes of one line are. The SDK's own check builds its validator's report for every
 * message: a third of a call's time, and most of its garbage.
 */
export function readMessage(bytes: Uint8Array): Inbound {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    return refuse(null, RPC_CODES.parseError, "Parse error: the line is not JSON in UTF-8");
  }
  if (Array.isArray(value)) {
    return refuse(null, RPC_CODES.invalidRequest, "Invalid Request: batches are not supported");
  }
  if (!isObject(value)) {
    return refuse(null, RPC_CODES.invalidRequest, "Invalid Request: not a JSON object");
  }
  return classify(value);
}

function classify(value: Record<string, unknown>): Inbound {
  // The server asks nothing, so no response is of use, and an answer to one would be out of turn.
  if (!("method" in value) && ("result" in value || "error" in value)) return { kind: "ignored" };
  const id = isId(value.id) ? value.id : null;
  const fault = faultOf(value);
  if (fault !== null) {
    // Not even a malformed notification is answered (JSON-RPC 2.0, section 4.1).
    if (isNotification(value)) return { kind: "ignored" };
    return refuse(id, RPC_CODES.invalidRequest, `Invalid Request: ${fault}`);
  }
  // Without the members that the SDK does not know: for those it would drop the whole message.
  const { jsonrpc, method, params } = value;
  const rest = { jsonrpc, method, ...(params === undefined ? {} : { params }) };
  return id === null
    ? { kind: "notification", message: rest as JSONRPCMessage }
    : { kind: "request", id, message: { ...rest, id } as JSONRPCMessage };
}

function isNotification(value: Record<string, unknown>): boolean {
  return value.jsonrpc === "2.0" && typeof value.method === "string" && !("id" in value);
}

function faultOf(value: Record<string, unknown>): string | null {
  if (value.jsonrpc !== "2.0") return 'jsonrpc must be "2.0"';
  if (!("method" in value)) return "there is no method";
  if (typeof value.method !== "string") return "method must be a string";
  if ("id" in value && !isId(value.id)) return "id must be a string or an integer";
  const { params } = value;
  if (params === undefined) return null;
  if (!isObject(params)) return "params must be an object";
  const { _meta: meta } = params;
  if (meta === undefined) return null;
  if (!isObject(meta)) return "params._meta must be an object";
  const { progressToken: token } = meta;
  const isToken = token === undefined || isId(token);
  return isToken ? null : "params._meta.progressToken must be a string or an integer";
}

/** A request id, and likewise a progress token, is a string or an integer. */
function isId(value: unknown): value is RequestId {
  return typeof value === "string" || Number.isSafeInteger(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(id: RequestId | null, code: number, message: string): Inbound {
  return { kind: "refused", refusal: refusal(id, code, message) };
}
