/**
 * What every broker of the suite looks like to it.
 *
 * @module
 */

import type { Certificates } from "../support/certificates.ts";

/** Name and password of the only user that the brokers know. */
export const LOGIN = { username: "device", password: "correct-horse" } as const;

/** A running broker on 127.0.0.1, which lets nobody in without a password. */
export interface Broker extends AsyncDisposable {
  readonly hostname: string;
  /** Plain MQTT. */
  readonly port: number;
  /** MQTT over TLS, with the certificate `server`. */
  readonly tlsPort: number;
  /** The broker's own, such as `2.0.11`. */
  readonly version: string;
  /** The user as this broker wants the name written. */
  readonly username: string;
}

/** Starts a broker with these certificates. */
export type StartBroker = (certificates: Certificates) => Promise<Broker>;

/** Holds what a broker consists of, and ends it in the opposite order. */
export async function withFolder<T extends object>(
  prefix: string,
  start: (folder: string, stack: AsyncDisposableStack) => Promise<T>,
): Promise<T & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: `mqtt-smcp-${prefix}-` });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const started = await start(folder, stack);
  const kept = stack.move();
  return { ...started, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
