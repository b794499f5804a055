/**
 * The protocol under the server: the SDK keeps request ids, cancellation, progress and ping; what a
 * method does is looked up in a table.
 *
 * The SDK's `Server`, one layer up, brings a JSON Schema validator that nothing here needs (30 ms of
 * start-up), and answers malformed params with that validator's dump.
 *
 * @module
 */

// @ts-types="@modelcontextprotocol/sdk/shared/protocol"
import { Protocol } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport";
// @ts-types="@modelcontextprotocol/sdk/types"
import {
  type JSONRPCRequest,
  LATEST_PROTOCOL_VERSION,
  type MessageExtraInfo,
  type Notification,
  type Request,
  type Result,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/sdk/types.js";
import { invalidParams, RPC_CODES, RpcError } from "./rpc_error.ts";
import { PRODUCT } from "./version.ts";

/** The part of the SDK's `extra` that a request's handler uses. */
export interface RequestExtra {
  readonly signal: AbortSignal;
  readonly _meta?: { readonly progressToken?: string | number | undefined } | undefined;
  readonly sendNotification: (notification: {
    method: "notifications/progress";
    params: { progressToken: string | number; progress: number; total: number };
  }) => Promise<void>;
}

/** Handles one method; what it throws becomes the error response. */
export type Handler = (
  params: Readonly<Record<string, unknown>>,
  extra: RequestExtra,
) => unknown;

/** What the server says of itself. */
export interface SelfDescription {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string;
}

/** An MCP server with these methods, beside `initialize` and `ping`. */
export class McpProtocol extends Protocol<Request, Notification, Result> {
  /** Connect it to a transport to begin. */
  constructor(self: SelfDescription, handlers: ReadonlyMap<string, Handler>) {
    super();
    const initialize: Handler = (params) => answerInitialize(self, params);
    this.fallbackRequestHandler = async (request, extra): Promise<Result> => {
      const handler = request.method === "initialize" ? initialize : handlers.get(request.method);
      if (handler === undefined) throw new RpcError(RPC_CODES.methodNotFound, "Method not found");
      return await handler(request.params ?? {}, extra as unknown as RequestExtra) as Result;
    };
  }

  /** Begins to serve on a transport that hands on well-formed messages only. */
  override async connect(transport: Transport): Promise<void> {
    await super.connect(transport);
    const { onmessage } = transport;
    // The SDK's own tries each message as a result and as an error first, and what its validator
    // reports then of a request costs more than the rest of a call.
    transport.onmessage = (message, extra) => {
      if ("method" in message && "id" in message) this.#begin(message, extra);
      else onmessage?.(message, extra);
    };
  }

  #begin(request: JSONRPCRequest, extra: MessageExtraInfo | undefined): void {
    // Checked by the compiler, for all that it is private there: an update of the SDK cannot drop it
    // unseen.
    this["_onrequest"](request, extra);
  }

  /** Any notification is allowed; the server sends only what the client asked for. */
  protected override assertNotificationCapability(): void {}

  /** The server asks the client for nothing. */
  protected override assertCapabilityForMethod(): void {}

  /** Every method in the table is meant to be there. */
  protected override assertRequestHandlerCapability(): void {}

  /** No task is ever begun. */
  protected override assertTaskCapability(): void {}

  /** @throws {RpcError} always: no method runs as a task. */
  protected override assertTaskHandlerCapability(): void {
    throw invalidParams("tasks are not supported");
  }
}

function answerInitialize(
  { capabilities, instructions }: SelfDescription,
  params: Readonly<Record<string, unknown>>,
): Result {
  const { protocolVersion, clientInfo } = params;
  const { name, version } = asObject(clientInfo) ?? {};
  if (
    typeof protocolVersion !== "string" || asObject(params.capabilities) === undefined ||
    typeof name !== "string" || typeof version !== "string"
  ) {
    throw invalidParams(
      "initialize needs protocolVersion (a string), capabilities (an object) and clientInfo (an " +
        "object with name and version)",
    );
  }
  const isSupported = SUPPORTED_PROTOCOL_VERSIONS.includes(protocolVersion);
  return {
    protocolVersion: isSupported ? protocolVersion : LATEST_PROTOCOL_VERSION,
    capabilities,
    serverInfo: PRODUCT,
    instructions,
  };
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? value as Record<string, unknown> : undefined;
}
