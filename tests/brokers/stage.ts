/**
 * What a row of the suite works with: the product in this process, a bare client beside it, and the
 * broker between them.
 *
 * @module
 */

import { connectPeer, type MqttPeer } from "../support/mqtt_client.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { Client } from "../tools/client.ts";
import { type Broker, LOGIN } from "./broker.ts";
import type { BrokerKind } from "./kinds.ts";

/** The outcome when all is well. */
export const WORKS = "works";

/** The outcome when the broker cannot do it all, by whether the answer of the tool says so. */
export function saysSo(said: boolean | undefined, what: string): string {
  return said === true ? `says so: ${what}` : `does not say so: ${what}`;
}

/** One capability that the table shows. */
export interface Row {
  readonly title: string;
  /** The outcome where nothing is said of a broker. @default WORKS */
  readonly usual?: string;
  /** Tries it, and tells the outcome as the table shows it. */
  readonly run: (stage: Stage) => Promise<string>;
}

/** The parties of one row. */
export interface Stage {
  readonly broker: Broker;
  /** The PEM of the authority that signed the broker's certificate. */
  readonly ca: string;
  /** The product, connected; the same over all rows. */
  readonly client: Client;
  /** A bare client that speaks MQTT 3.1.1, which every broker does; one for each row. */
  readonly peer: MqttPeer;
  /** What reaches the broker. */
  readonly credentials: Readonly<Record<string, unknown>>;
  /** A topic of this row alone. */
  readonly topic: string;
}

/** The credentials for a broker of this kind. */
export function credentialsOf(kind: BrokerKind, broker: Broker): Record<string, unknown> {
  return {
    MQTT_BROKER: broker.hostname,
    MQTT_PORT: broker.port,
    MQTT_USER: broker.username,
    MQTT_PASS: LOGIN.password,
    ...kind.credentials,
  };
}

/** A bare client, logged in. */
export function connectBare(broker: Broker, protocolVersion: 4 | 5 = 4): Promise<MqttPeer> {
  return connectPeer(`mqtt://${broker.hostname}:${broker.port}`, {
    username: broker.username,
    password: LOGIN.password,
    protocolVersion,
  });
}

/** Another client of the product behind a proxy, both ended with the row. */
export async function behindProxy(
  { broker, credentials }: Stage,
): Promise<{ client: Client; proxy: Proxy } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const proxy = stack.use(await startProxy(broker.port));
  const client = stack.use(new Client({ ...credentials, MQTT_PORT: proxy.port }));
  await client.connected();
  const kept = stack.move();
  return { client, proxy, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
