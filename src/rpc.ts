/**
 * JSON-RPC at the door: what a line from the client is, and the answer when it is not fit to be
 * handed on. The SDK drops such lines without an answer, or answers with its validator's dump.
 *
 * @module
 */

// @ts-types="@modelcontextprotocol/sdk/types"
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
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
  | { readonly kind: "response" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** An error response. */
export function refusal(id: RequestId | null, code: number, message: string): Refusal {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

/** Tells what the bytes of one line are. */
export function readMessage(bytes: Uint8Array): Inbound {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return refuse(null, RPC_CODES.parseError, "Parse error: the line is not JSON in UTF-8");
  }
  if (Array.isArray(value)) {
    return refuse(null, RPC_CODES.invalidRequest, "Invalid Request: batches are not supported");
  }
  if (typeof value !== "object" || value === null) {
    return refuse(null, RPC_CODES.invalidRequest, "Invalid Request: not a JSON object");
  }
  return classify(value as Record<string, unknown>);
}

function classify(value: Record<string, unknown>): Inbound {
  const message = value as unknown as JSONRPCMessage;
  if (isJSONRPCRequest(message)) {
    return { kind: "request", id: message.id, message };
  }
  if (isJSONRPCNotification(message)) return { kind: "notification", message };
  // The server asks nothing, so no response is of use, and an answer to one would be out of turn.
  if (!("method" in value) && ("result" in value || "error" in value)) return { kind: "response" };
  const id = typeof value.id === "string" || Number.isInteger(value.id)
    ? value.id as RequestId
    : null;
  return refuse(id, RPC_CODES.invalidRequest, `Invalid Request: ${fault(value)}`);
}

function fault(value: Record<string, unknown>): string {
  if (value.jsonrpc !== "2.0") return 'jsonrpc must be "2.0"';
  if ("method" in value && typeof value.method !== "string") return "method must be a string";
  if (!("method" in value)) return "there is no method";
  if ("id" in value && typeof value.id !== "string" && !Number.isInteger(value.id)) {
    return "id must be a string or an integer";
  }
  const { params } = value;
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    return "params must be an object";
  }
  return "params are malformed";
}

function refuse(id: RequestId | null, code: number, message: string): Inbound {
  return { kind: "refused", refusal: refusal(id, code, message) };
}
