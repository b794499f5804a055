/**
 * Errors that a request of the client is answered with.
 *
 * @module
 */

/** Codes of JSON-RPC 2.0 section 5.1, of MCP, and one of the server's own. */
export const RPC_CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  resourceNotFound: -32002,
  busy: -32000,
} as const;

/** Thrown by a request's handler, it becomes the response; its message goes out as it is. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The error for params that are not what the method takes. */
export function invalidParams(why: string): RpcError {
  return new RpcError(RPC_CODES.invalidParams, `Invalid params: ${why}`);
}
