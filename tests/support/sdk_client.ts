/**
 * The official MCP client, on a server process that this test has spawned.
 *
 * @module
 */

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { ServerProcess } from "./server_process.ts";

/**
 * Does the SMCP handshake.
 *
 * @throws Error when the server does not answer +READY and then +OK.
 */
export async function handshake(
  process: ServerProcess,
  credentials: Readonly<Record<string, unknown>>,
): Promise<void> {
  const ready = await process.lines.next();
  if (ready !== "+READY") throw new Error(`Cannot go on: expected +READY, got ${ready}`);
  await process.writeJson(credentials);
  const ok = await process.lines.next();
  if (ok !== "+OK") throw new Error(`Cannot go on: expected +OK, got ${ok}`);
}

/** MCP's stdio over the streams of a process whose handshake is done. */
export class ProcessTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #process: ServerProcess;
  #closed = false;

  constructor(process: ServerProcess) {
    this.#process = process;
  }

  start(): Promise<void> {
    void this.#read();
    return Promise.resolve();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#process.writeJson(message);
  }

  /** Closes the server's stdin, which asks it to end. */
  async close(): Promise<void> {
    await this.#process.closeInput();
    this.#end();
  }

  async #read(): Promise<void> {
    const { lines, exit } = this.#process;
    try {
      // The process's end closes the inbox, so that no wait here is ever the last word.
      for (;;) this.onmessage?.(JSON.parse(await lines.next(FOR_EVER_MS)));
    } catch (error) {
      if (!this.#closed) this.onerror?.(error as Error);
    }
    await exit;
    this.#end();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onclose?.();
  }
}

const FOR_EVER_MS = 2 ** 31 - 1;

/** An MCP client connected to `process`; does the handshake first. Close it by the process. */
export async function sdkClient(
  process: ServerProcess,
  credentials: Readonly<Record<string, unknown>>,
): Promise<Client> {
  await handshake(process, credentials);
  const client = new Client({ name: "test-client", version: "1.0.0" });
  await client.connect(new ProcessTransport(process));
  return client;
}

/** What a tool answered. */
export interface ToolAnswer {
  /** The JSON in `content[0].text`. */
  readonly data: { success: boolean } & Record<string, unknown>;
  readonly isError: boolean;
  readonly structuredContent: unknown;
}

/** Calls a tool and reads its answer. */
export async function callTool(
  client: Client,
  name: string,
  args: Record<string, unknown>,
): Promise<ToolAnswer> {
  const result = await client.callTool({ name, arguments: args });
  const [content] = result.content as { type: string; text: string }[];
  return {
    data: JSON.parse(content?.text ?? "null"),
    isError: result.isError === true,
    structuredContent: result.structuredContent,
  };
}
