/**
 * The keys that a parent may give: one table for reading them and for telling about them.
 *
 * @module
 */

import {
  booleanRule,
  choiceRule,
  filtersRule,
  hostRule,
  integerRule,
  mqttStringRule,
  pemRule,
  type Rule,
  wsPathRule,
} from "./credential_rules.ts";
import { quote, withThousands } from "./text.ts";

/** One key that a parent may give. */
export interface Credential {
  readonly key: string;
  readonly required: boolean;
  /** What it means, in a line. */
  readonly description: string;
  /** What holds when it is absent, in words. */
  readonly default?: string;
}

/** The WebSocket path where none is given. */
export const DEFAULT_WS_PATH = "/mqtt";
const MAX_UNKNOWN_NAMED = 20;

/** The rule and the documentation of every key, in the order in which they are shown. */
const KEYS = {
  MQTT_BROKER: { description: "Host name or IP address of the broker", rule: hostRule },
  MQTT_PORT: {
    description: "Port of the broker",
    default: "1883, with TLS 8883; for ws 80, with TLS 443",
    rule: integerRule(1, 65535),
  },
  MQTT_USER: { description: "User name", default: "none", rule: mqttStringRule },
  MQTT_PASS: { description: "Password", default: "none", rule: mqttStringRule },
  MQTT_CLIENT_ID: {
    description: "MQTT client identifier",
    default: "a random UUID",
    rule: mqttStringRule,
  },
  MQTT_TLS: { description: "Encrypt with TLS: true or false", default: "false", rule: booleanRule },
  MQTT_CA: {
    description: "CA certificates to trust, as PEM text",
    default: "the system's",
    rule: pemRule("CERTIFICATE"),
  },
  MQTT_CERT: {
    description: "Client certificate, as PEM text; needs MQTT_KEY",
    default: "none",
    rule: pemRule("CERTIFICATE"),
  },
  MQTT_KEY: {
    description: "Private key of the client certificate, as PEM text; needs MQTT_CERT",
    default: "none",
    rule: pemRule("PRIVATE KEY"),
  },
  MQTT_TRANSPORT: {
    description: "Transport: tcp, or ws for MQTT over WebSocket",
    default: "tcp",
    rule: choiceRule("tcp", "ws"),
  },
  MQTT_WS_PATH: {
    description: "Path of the WebSocket URL",
    default: DEFAULT_WS_PATH,
    rule: wsPathRule,
  },
  MQTT_VERSION: {
    description: "MQTT version: 5, 3.1.1, or auto for 5 with 3.1.1 where the broker refuses it",
    default: "auto",
    rule: choiceRule("auto", "5", "3.1.1"),
  },
  MQTT_KEEPALIVE: {
    description: "Seconds between signs of life on the connection",
    default: "20",
    rule: integerRule(1, 65535),
  },
  MQTT_READ_ONLY: {
    description: "Refuse to publish anything: true or false",
    default: "false",
    rule: booleanRule,
  },
  MQTT_ALLOW_PUBLISH: {
    description: "Topic filters, separated by commas, that may be published to",
    default: "everything",
    rule: filtersRule,
  },
  MQTT_DENY_PUBLISH: {
    description: "Topic filters, separated by commas, that must not be published to",
    default: "nothing",
    rule: filtersRule,
  },
  MQTT_ALLOW_SUBSCRIBE: {
    description: "Topic filters, separated by commas, that may be received",
    default: "everything",
    rule: filtersRule,
  },
  MQTT_DENY_SUBSCRIBE: {
    description: "Topic filters, separated by commas, that must not be received",
    default: "nothing",
    rule: filtersRule,
  },
  MQTT_MAX_RESULT_CHARS: {
    description: "Bound on the characters of one tool result",
    default: "45000",
    rule: integerRule(1_000, 10_000_000),
  },
  LOG_LEVEL: {
    description: "Least serious log lines: DEBUG, INFO, WARNING or ERROR",
    default: "INFO",
    rule: choiceRule("DEBUG", "INFO", "WARNING", "ERROR"),
  },
} as const satisfies Record<
  string,
  { description: string; default?: string; rule: Rule<unknown> }
>;

type Key = keyof typeof KEYS;
/** The values that were given and keep their rules. */
export type CredentialValues = {
  [K in Key]?: (typeof KEYS)[K]["rule"] extends Rule<infer T> ? T : never;
};

/** Every key that a parent may give. */
export const CREDENTIALS: readonly Credential[] = Object.freeze(
  Object.entries(KEYS).map(([key, { rule: _, ...about }]) =>
    Object.freeze({ key, required: key === "MQTT_BROKER", ...about })
  ),
);

/** What `--credentials-schema` prints: the description of each key, with its default. */
export function credentialsSchema(): {
  required: Record<string, string>;
  optional: Record<string, string>;
} {
  const describe = (credential: Credential): [string, string] => [
    credential.key,
    credential.default === undefined
      ? credential.description
      : `${credential.description} (default: ${credential.default})`,
  ];
  return {
    required: Object.fromEntries(CREDENTIALS.filter((c) => c.required).map(describe)),
    optional: Object.fromEntries(CREDENTIALS.filter((c) => !c.required).map(describe)),
  };
}

/** What {@linkcode readCredentials} found. */
export interface CredentialReading {
  readonly values: CredentialValues;
  /** Known keys whose value is neither absent nor empty, right or wrong. */
  readonly given: ReadonlySet<string>;
  /** `KEY: rule` for each value that breaks its rule; never the value. */
  readonly faults: readonly string[];
  /** Names of other keys, quoted: at most 20, then one entry that counts the rest. */
  readonly unknownKeys: string[];
}

const POLICY_KEYS: ReadonlySet<string> = new Set([
  "MQTT_READ_ONLY",
  "MQTT_ALLOW_PUBLISH",
  "MQTT_DENY_PUBLISH",
  "MQTT_ALLOW_SUBSCRIBE",
  "MQTT_DENY_SUBSCRIBE",
]);

/**
 * Reads each known key of `credentials` by its rule. Values are strings, numbers or booleans; an
 * empty string or `null` counts as absent, but for the policy, where it is a fault.
 */
export function readCredentials(
  credentials: Readonly<Record<string, unknown>>,
): CredentialReading {
  const values: Record<string, unknown> = {};
  const given = new Set<string>();
  const faults: string[] = [];
  for (const [key, { rule }] of Object.entries(KEYS)) {
    const value = Object.hasOwn(credentials, key) ? credentials[key] : undefined;
    if (value === undefined) continue;
    if (value === null || value === "") {
      // An unset variable in a parent's template must not open what it was meant to close.
      if (POLICY_KEYS.has(key)) faults.push(`${key}: must not be empty; leave the key out instead`);
      continue;
    }
    given.add(key);
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      faults.push(`${key}: must be a string, number or boolean`);
      continue;
    }
    const ruling = rule(String(value));
    if ("fault" in ruling) faults.push(`${key}: ${ruling.fault}`);
    else values[key] = ruling.value;
  }
  return { values, given, faults, unknownKeys: nameUnknownKeys(Object.keys(credentials)) };
}

function nameUnknownKeys(keys: readonly string[]): string[] {
  const unknown = keys.filter((key) => !Object.hasOwn(KEYS, key));
  const named = unknown.slice(0, MAX_UNKNOWN_NAMED).map(quote);
  if (unknown.length > named.length) {
    named.push(`${withThousands(unknown.length - named.length)} more`);
  }
  return named;
}
