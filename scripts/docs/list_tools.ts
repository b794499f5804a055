import { freePort } from "../../tests/support/ports.ts";
import { credentialsFor } from "../../tests/support/server_process.ts";
import { StrictParent } from "../../tests/support/strict_parent.ts";

/** A JSON Schema, as far as tools use it. */
export interface Schema {
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

/** A tool as `tools/list` gives it. */
export interface ListedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Schema;
  readonly outputSchema: Schema;
  readonly annotations: Readonly<Record<string, unknown>>;
}

/** Asks the server itself, from source, which tools it has; that needs no broker. */
export async function listTools(): Promise<ListedTool[]> {
  const nobody = { hostname: "127.0.0.1", port: freePort() };
  await using parent = await StrictParent.start({ credentials: credentialsFor(nobody) });
  const { tools } = await parent.request("tools/list") as { tools: ListedTool[] };
  return tools;
}
