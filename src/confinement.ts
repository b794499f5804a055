/**
 * What the confined half may do, and what the two halves say to each other.
 *
 * @module
 */

import type { Config } from "./config.ts";

/** From the privileged half to the confined one. */
export type ToWorker =
  | { readonly kind: "start"; readonly config: Config; readonly rest: Uint8Array }
  /** `+OK` is out: speak MCP. */
  | { readonly kind: "begin" }
  | { readonly kind: "stop" };

/** From the confined half to the privileged one. */
export type FromWorker =
  /** Something threw that nobody caught. */
  | { readonly kind: "failed"; readonly message: string }
  /** Everything is loaded. */
  | { readonly kind: "ready" }
  /** The client is gone, or `stop` was done. */
  | { readonly kind: "ended" };

/** Milliseconds that the broker has to close the connection after DISCONNECT. */
export const DISCONNECT_MS = 50;

/**
 * The worker's permissions: one host and port on the network, and nothing else whatever.
 *
 * @param host host name or IP address, IPv6 without brackets
 */
export function workerPermissions(host: string, port: number): Deno.PermissionOptionsObject {
  return {
    net: [host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`],
    env: false,
    ffi: false,
    import: false,
    read: false,
    run: false,
    sys: false,
    write: false,
  };
}

/**
 * Calls `failed` with what nobody caught. Deno would print it to stderr as it is, credentials and all,
 * before anybody could redact it.
 */
export function onUncaught(failed: (cause: unknown) => void): void {
  addEventListener("error", (event) => {
    event.preventDefault();
    failed(event.error);
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    failed(event.reason);
  });
}

/** The message of whatever was thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : "something that is no error was thrown";
}
