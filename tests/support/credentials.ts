/**
 * Credentials for tests of what the server makes of them.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { type Config, parseConfig } from "../../src/config.ts";
import { HandshakeError } from "../../src/errors.ts";

/** Has the shape of a certificate, and a word to look for in what must not tell of it. */
export const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBcanary\n-----END CERTIFICATE-----\n";

/** Has the shape of a private key, and a word to look for in what must not tell of it. */
export const PRIVATE_KEY =
  "-----BEGIN EC PRIVATE KEY-----\nMHcCcanary\n-----END EC PRIVATE KEY-----\n";

/** What a rule says of a value that is not a host. */
export const HOST_RULE = "must be a host name or IP address";

/** The configuration of `credentials`, with a broker where they name none. */
export function configOf(credentials: Record<string, unknown>): Config {
  return parseConfig({ MQTT_BROKER: "mqtt.local", ...credentials }).config;
}

/** What follows the code in the refusal of `credentials`, with a broker where they name none. */
export function faultsOf(credentials: Record<string, unknown>): string {
  const error = assertThrows(
    () => parseConfig({ MQTT_BROKER: "mqtt.local", ...credentials }),
    HandshakeError,
  );
  assertEquals(error.code, "INVALID_CREDENTIAL");
  return error.message.slice("INVALID_CREDENTIAL ".length);
}

/** Asserts that each of `values` is refused by that rule, alone. */
export function assertFault(key: string, values: readonly unknown[], rule: string): void {
  for (const value of values) {
    assertEquals(faultsOf({ [key]: value }), `${key}: ${rule}`, JSON.stringify(value));
  }
}
