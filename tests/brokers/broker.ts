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

/** A broker without its end, which is that of what it consists of. */
export type Started = Omit<Broker, typeof Symbol.asyncDispose>;

/** Starts a broker with these certificates. */
export type StartBroker = (certificates: Certificates) => Promise<Broker>;

/**
 * Starts a broker in a folder of its own.
 *
 * @param prefix for the folder's name
 * @param start takes what the broker consists of onto the stack, from which it is ended in the opposite
 * order; the folder goes last
 */
export async function withFolder(
  prefix: string,
  start: (folder: string, stack: AsyncDisposableStack) => Promise<Started>,
): Promise<Broker> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: `mqtt-smcp-${prefix}-` });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const started = await start(folder, stack);
  const kept = stack.move();
  return { ...started, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
