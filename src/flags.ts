/**
 * The command line: four flags, and nothing that could carry a secret.
 *
 * @module
 */

import { credentialsSchema } from "./config.ts";
import { PRODUCT } from "./version.ts";

/** What the command line asks for. */
export type Command =
  | { readonly kind: "serve" }
  /** Print this to stdout and exit 0. */
  | { readonly kind: "print"; readonly text: string }
  /** Print this to stderr and exit 2. */
  | { readonly kind: "refuse"; readonly text: string };

const HELP = `${PRODUCT.name} ${PRODUCT.version}
An MCP server for one MQTT broker that gets its credentials by the SMCP handshake.

It is started by an SMCP parent, such as Shepherd, and not by hand:
  shepherd smcp add mqtt ${PRODUCT.name} --cred MQTT_BROKER=broker.local

It says +READY, reads one line of JSON with the credentials, says +OK, and then speaks MCP.

  --help                 this text
  --version              the version
  --credentials-schema   the credentials it takes, as JSON
`;

const INSECURE =
  `--insecure is not supported: it would take the credentials from the environment, ` +
  `where every process of the same user can read them. Use an SMCP parent.\n`;

/** Shown when the server is started from a terminal. */
export const TERMINAL_HINT =
  `${PRODUCT.name} expects an SMCP parent at its other end, not a terminal; see --help.\n`;

/** Reads the command line; an argument that is not known is not repeated, since it may be a secret. */
export function readFlags(args: readonly string[]): Command {
  const [first, ...more] = args;
  if (first === undefined) return { kind: "serve" };
  if (args.includes("--insecure")) return { kind: "refuse", text: INSECURE };
  if (more.length === 0) {
    switch (first) {
      case "--help":
        return { kind: "print", text: HELP };
      case "--version":
        return { kind: "print", text: `${PRODUCT.version}\n` };
      case "--credentials-schema":
        return { kind: "print", text: `${JSON.stringify(credentialsSchema(), null, 2)}\n` };
    }
  }
  return {
    kind: "refuse",
    text: `Cannot start: an argument is not known (not shown, as it may be a secret); ` +
      `see --help. Credentials come by the SMCP handshake.\n`,
  };
}
