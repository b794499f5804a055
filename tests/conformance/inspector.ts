/**
 * The official MCP inspector in its command-line form, on the compiled server behind the launcher: as
 * README.md tells a host to start it.
 *
 * @module
 */

import { LAUNCHER, withCredentials } from "../support/launcher.ts";
import { PATIENCE_MS } from "../support/inbox.ts";
import { compiledBinary } from "../support/server_process.ts";
import { clientCommand, fetchClient } from "./clients.ts";

const INSPECTOR = "npm:@modelcontextprotocol/inspector@2.12.0";

/** What the inspector exits with when the tool says isError. */
export const TOOL_IS_ERROR = 5;

/** One finding of the inspector's check of schemas. */
export interface SchemaFinding {
  readonly severity: string;
}

/** What one run printed. */
export interface Inspection {
  readonly code: number;
  readonly result: Readonly<Record<string, unknown>>;
  readonly schemaFindings: readonly { readonly findings?: readonly SchemaFinding[] }[];
  /** Its stderr, the server's log in it. */
  readonly errors: string;
}

/** See the module. */
export class Inspector implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Fetches the inspector, and writes the host's configuration that has the server launched with these credentials. */
  static async configure(credentials: Readonly<Record<string, unknown>>): Promise<Inspector> {
    await fetchClient(INSPECTOR);
    const folder = await Deno.makeTempDir({ prefix: "mqtt-smcp-inspector-" });
    const [command, ...args] = LAUNCHER;
    const options = [...withCredentials(credentials), "--server", compiledBinary()];
    const config = { mcpServers: { mqtt: { command, args: [...args, ...options] } } };
    await Deno.writeTextFile(`${folder}/mcp.json`, JSON.stringify(config));
    return new Inspector(folder);
  }

  /** Runs one method; a client and a server for it alone. */
  async run(method: string, ...args: readonly string[]): Promise<Inspection> {
    const config = ["--config", `${this.#folder}/mcp.json`, "--server", "mqtt"];
    const command = clientCommand(INSPECTOR, {
      // It looks about in the system for a keychain, which nothing less allows.
      permissions: ["--allow-all"],
      args: ["--cli", ...config, "--method", method, "--format", "json", ...args],
      env: {
        MCP_INSPECTOR_SECRET_STORE: "memory",
        MCP_CLIENT_CONFIG_PATH: `${this.#folder}/client.json`,
      },
      deadlineMs: 3 * PATIENCE_MS,
    });
    const { code, stdout, stderr } = await command.output();
    const text = new TextDecoder();
    const errors = text.decode(stderr);
    const printed = text.decode(stdout);
    if (printed === "") throw new Error(`Cannot read what the inspector found: ${errors}`);
    return { code, schemaFindings: [], errors, ...JSON.parse(printed) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
