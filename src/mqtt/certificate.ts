/**
 * Tells an expired certificate from an untrusted one, which the TLS library here does not: for a
 * certificate that is signed by the given CA but out of its time it says "cannot verify".
 *
 * @module
 */

import tls from "node:tls";
import type { Clock } from "../clock.ts";
import type { MqttSmcpError } from "../errors.ts";
import { until } from "../wait.ts";
import { expiredCertificate } from "./causes.ts";
import type { Endpoint } from "./dial.ts";

const LOOK_MS = 2_000;

/** The cause, or a better one where a look at the broker's certificate gives it. */
export async function refineCause(
  cause: MqttSmcpError,
  endpoint: Endpoint,
  clock: Clock,
): Promise<MqttSmcpError> {
  if (cause.code !== "TLS_UNTRUSTED") return cause;
  const validity = await lookAtCertificate(endpoint, clock).catch(() => undefined);
  if (validity === undefined) return cause;
  const now = clock.now();
  return now < validity.from || now > validity.to ? expiredCertificate() : cause;
}

/** The validity of the certificate that the broker shows, as milliseconds since 1970. */
async function lookAtCertificate(
  { host, port }: Endpoint,
  clock: Clock,
): Promise<{ from: number; to: number } | undefined> {
  // Unverified, this connection serves to read the certificate, and never carries a byte of ours.
  const socket = tls.connect({ host, port, rejectUnauthorized: false });
  try {
    const connected = await until({ clock, ms: LOOK_MS }, (wake) => {
      socket.once("secureConnect", wake);
      socket.once("error", wake);
      socket.once("close", wake);
      return () => {};
    });
    if (!connected) return undefined;
    const { valid_from, valid_to } = socket.getPeerCertificate();
    const validity = { from: Date.parse(valid_from), to: Date.parse(valid_to) };
    return Number.isNaN(validity.from) || Number.isNaN(validity.to) ? undefined : validity;
  } finally {
    socket.on("error", () => {});
    socket.destroy();
  }
}
