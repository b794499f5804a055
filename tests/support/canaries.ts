/**
 * Secrets that sing when they escape.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Distinct secret values, and the search for them in any of the forms that they may take. */
export class Canaries {
  /** Credentials that a broker may accept. */
  readonly login: {
    readonly MQTT_USER: string;
    readonly MQTT_PASS: string;
    readonly MQTT_CLIENT_ID: string;
  };
  /** A path for MQTT_WS_PATH. */
  readonly wsPath: string;
  /** Values to put where they are invalid. */
  readonly values: readonly [string, ...string[]];
  readonly #secrets = new Set<string>();

  /** @param pems PEM texts that are secret too. */
  constructor(pems: readonly string[]) {
    this.login = {
      MQTT_USER: this.#hatch("user"),
      MQTT_PASS: this.#hatch('pass"\\/€ +'),
      MQTT_CLIENT_ID: this.#hatch("client"),
    };
    this.wsPath = `/${this.#hatch("path")}`;
    this.values = [this.#hatch("value")];
    for (const pem of pems) this.#addPem(pem);
  }

  /** PEM text with the right label and no certificate or key in it. */
  pem(label: "CERTIFICATE" | "PRIVATE KEY"): string {
    const bytes = crypto.getRandomValues(new Uint8Array(300));
    const lines = Buffer.from(bytes).toString("base64").match(/.{1,64}/g) ?? [];
    const pem = [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
    this.#addPem(pem);
    return pem;
  }

  /** The secrets that `text` holds: plain, JSON-escaped, URL-encoded, in hex or in base64. */
  find(text: string): string[] {
    return [...this.#secrets].filter((secret) =>
      formsOf(secret).some((form) => text.includes(form))
    );
  }

  /** @throws Error that names the places where a secret shows. */
  assertAbsent(places: Readonly<Record<string, string>>): void {
    for (const [place, text] of Object.entries(places)) {
      const found = this.find(text);
      if (found.length === 0) continue;
      throw new Error(`Cannot keep quiet: ${place} holds ${found.join(" and ")}:\n${text}`);
    }
  }

  #hatch(name: string): string {
    const secret = `canary-${name}-${crypto.randomUUID()}`;
    this.#secrets.add(secret);
    // Its random part alone is enough to know it by.
    this.#secrets.add(secret.slice(-36));
    return secret;
  }

  #addPem(pem: string): void {
    for (const line of pem.split("\n")) {
      // The first lines of all keys of a kind are alike, and short ones prove nothing.
      if (line.length > 40 && !line.startsWith("--")) this.#secrets.add(line);
    }
  }
}

/** New canaries; the values differ in every run. */
export function hatchCanaries(pems: readonly string[] = []): Canaries {
  return new Canaries(pems);
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString("hex"),
    // Base64 depends on where in a longer text the secret starts; the last group on its end.
    ...[0, 1, 2].map((skip) => bytes.subarray(skip).toString("base64").slice(0, -4)),
  ];
}
