/**
 * Credentials into a frozen configuration, with every fault reported at once.
 *
 * @module
 */

import {
  type CredentialReading,
  type CredentialValues,
  DEFAULT_WS_PATH,
  readCredentials,
} from "./credentials.ts";
import { HandshakeError } from "./errors.ts";
import type { LogLevel } from "./log.ts";
import type { PolicyRules } from "./policy.ts";

export { type Credential, CREDENTIALS, credentialsSchema } from "./credentials.ts";

/** Everything the server is told by its parent. Frozen, and fit for `structuredClone`. */
export interface Config {
  /** Host name or IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** A random UUID where none was given. */
  readonly clientId: string;
  /** `null` without TLS. `ca`, `cert` and `key` are PEM text. */
  readonly tls: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  } | null;
  readonly transport: "tcp" | "ws";
  readonly wsPath: string;
  /** `auto` is 5, or 3.1.1 where the broker refuses that. */
  readonly version: "auto" | "5" | "3.1.1";
  /** Seconds. */
  readonly keepalive: number;
  readonly logLevel: LogLevel;
  /** Characters of one tool result's text. */
  readonly maxResultChars: number;
  readonly policy: PolicyRules;
}

/**
 * The configuration that `credentials` describe. Values are strings, numbers or booleans; an empty
 * string or `null` counts as absent. Unknown keys are ignored; `unknownKeys` names at most 20 of
 * them, quoted, and counts the others in a last entry.
 *
 * @throws {HandshakeError} MISSING_CREDENTIAL or INVALID_CREDENTIAL, with every fault by key and
 * rule, and never a value.
 */
export function parseConfig(
  credentials: Readonly<Record<string, unknown>>,
): { config: Config; unknownKeys: string[] } {
  const reading = readCredentials(credentials);
  const faults = [...reading.faults, ...faultsBetween(reading)];
  if (!reading.given.has("MQTT_BROKER")) {
    throw new HandshakeError("MISSING_CREDENTIAL", ["MQTT_BROKER", ...faults].join("; "));
  }
  const host = reading.values.MQTT_BROKER;
  if (host === undefined || faults.length > 0) {
    throw new HandshakeError("INVALID_CREDENTIAL", faults.join("; "));
  }
  return { config: toConfig(host, reading.values), unknownKeys: reading.unknownKeys };
}

/** What must not appear in a log: all that a parent gave in confidence. */
export function secretsOf(config: Config): string[] {
  const { username, password, clientId, tls, wsPath } = config;
  // The default path is in the documentation, and as a word in many a topic.
  const secretPath = wsPath === DEFAULT_WS_PATH ? undefined : wsPath;
  return [username, password, clientId, tls?.ca, tls?.cert, tls?.key, secretPath]
    .filter((secret) => secret !== undefined);
}

/** Rules that concern two keys. A key whose own value is wrong is not blamed twice. */
function faultsBetween({ values, given }: CredentialReading): string[] {
  const faults: string[] = [];
  // MQTT-3.1.2-22 of MQTT 3.1.1; MQTT 5 lifted it.
  const needsUser = values.MQTT_VERSION !== "5" &&
    given.has("MQTT_VERSION") === (values.MQTT_VERSION !== undefined);
  if (given.has("MQTT_PASS") && !given.has("MQTT_USER") && needsUser) {
    faults.push("MQTT_PASS: needs MQTT_USER, unless MQTT_VERSION is 5");
  }
  const tlsIsOff = values.MQTT_TLS === false || !given.has("MQTT_TLS");
  for (const key of ["MQTT_CA", "MQTT_CERT", "MQTT_KEY"]) {
    if (given.has(key) && tlsIsOff) faults.push(`${key}: needs MQTT_TLS to be true`);
  }
  if (given.has("MQTT_CERT") && !given.has("MQTT_KEY")) faults.push("MQTT_CERT: needs MQTT_KEY");
  if (given.has("MQTT_KEY") && !given.has("MQTT_CERT")) faults.push("MQTT_KEY: needs MQTT_CERT");
  return faults;
}

function toConfig(host: string, values: CredentialValues): Config {
  const transport = values.MQTT_TRANSPORT ?? "tcp";
  const hasTls = values.MQTT_TLS ?? false;
  return Object.freeze({
    host,
    port: values.MQTT_PORT ?? defaultPort(transport, hasTls),
    username: values.MQTT_USER,
    password: values.MQTT_PASS,
    clientId: values.MQTT_CLIENT_ID ?? crypto.randomUUID(),
    tls: hasTls
      ? Object.freeze({ ca: values.MQTT_CA, cert: values.MQTT_CERT, key: values.MQTT_KEY })
      : null,
    transport,
    wsPath: values.MQTT_WS_PATH ?? DEFAULT_WS_PATH,
    version: values.MQTT_VERSION ?? "auto",
    keepalive: values.MQTT_KEEPALIVE ?? 20,
    logLevel: values.LOG_LEVEL ?? "INFO",
    maxResultChars: values.MQTT_MAX_RESULT_CHARS ?? 45_000,
    policy: Object.freeze({
      readOnly: values.MQTT_READ_ONLY ?? false,
      allowPublish: values.MQTT_ALLOW_PUBLISH ?? null,
      denyPublish: values.MQTT_DENY_PUBLISH ?? Object.freeze([]),
      allowSubscribe: values.MQTT_ALLOW_SUBSCRIBE ?? null,
      denySubscribe: values.MQTT_DENY_SUBSCRIBE ?? Object.freeze([]),
    }),
  });
}

function defaultPort(transport: "tcp" | "ws", hasTls: boolean): number {
  if (transport === "ws") return hasTls ? 443 : 80;
  return hasTls ? 8883 : 1883;
}
