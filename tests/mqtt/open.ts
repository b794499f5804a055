/**
 * Opening one connection, for tests.
 *
 * @module
 */

import { assertRejects } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { parseConfig } from "../../src/config.ts";
import { MqttSmcpError } from "../../src/errors.ts";
import { type Connection, openConnection } from "../../src/mqtt/connection.ts";
import type { InboundMessage, ProtocolVersion } from "../../src/mqtt/packets.ts";
import { within } from "../support/inbox.ts";

/** As a parent sends them. */
export type Credentials = Readonly<Record<string, unknown>>;

const NEVER = new AbortController().signal;

/** Opens a connection under these credentials; by default to 127.0.0.1 and with MQTT 5. */
export function open(
  credentials: Credentials,
  {
    version = "5" as ProtocolVersion,
    ms = 5_000,
    signal = NEVER,
    onMessage = (_message: InboundMessage): void => {},
  } = {},
): Promise<Connection> {
  const { config } = parseConfig({ MQTT_BROKER: "127.0.0.1", ...credentials });
  const opening = openConnection({
    endpoint: config,
    version,
    clock: systemClock,
    connectTimeoutMs: ms,
    onMessage,
  }, signal);
  return within(20_000, "the connection", opening);
}

/** The code with which an attempt fails. */
export async function causeOf(
  credentials: Credentials,
  options: Parameters<typeof open>[1] = {},
): Promise<string> {
  const error = await assertRejects(() => open(credentials, options), MqttSmcpError);
  return error.code;
}

/** Five seconds. */
export const bound = { clock: systemClock, ms: 5_000 };

/** A message of one byte. */
export function outbound(topic: string, qos: 0 | 1 | 2): {
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1 | 2;
  retain: boolean;
} {
  return { topic, payload: new TextEncoder().encode("x"), qos, retain: false };
}
