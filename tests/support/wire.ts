/**
 * The confined half in the test's own process, with the test as its MCP client.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { parseConfig } from "../../src/config.ts";
import { serve, type Serving } from "../../src/serve.ts";
import { hasUnsafeCharacters } from "../../src/text.ts";
import { type AedesBroker, startAedes } from "./aedes.ts";
import { ManualReader, MemoryWriter, utf8 } from "./byte_streams.ts";
import { Inbox, within } from "./inbox.ts";

/** What gives a validation library's report, or our own code, away. */
const DUMP = /invalid_type|invalid_union|unrecognized_keys|too_small|Zod|"path"|\bat \/|\.ts:\d/;

const CHUNK_BYTES = 16 * 1024;

/** A JSON-RPC message of the server. */
export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly error?: { code: number; message: string };
  readonly result?: {
    isError?: boolean;
    content?: { type: string; text: string }[];
    structuredContent?: Record<string, unknown>;
    tools?: Record<string, unknown>[];
    instructions?: string;
    [key: string]: unknown;
  };
}

/** The confined half in this process; the test is its client, and sees every line. */
export class Wire implements AsyncDisposable {
  readonly #input = new ManualReader();
  readonly #rest = { text: "" };
  readonly log = new MemoryWriter();
  /** Every message of the server, asked for or not. */
  readonly messages = new Inbox<Message>("message of the server");
  readonly serving: Serving;
  #asked = 0;

  constructor(broker: { readonly port: number }, more: Record<string, unknown> = {}, rest = "") {
    const place = { MQTT_BROKER: "127.0.0.1", MQTT_PORT: broker.port, LOG_LEVEL: "DEBUG" };
    const { config } = parseConfig({ ...place, ...more });
    const decoder = new TextDecoder();
    const output = {
      write: (bytes: Uint8Array): Promise<number> => {
        const lines = (this.#rest.text + decoder.decode(bytes, { stream: true })).split("\n");
        this.#rest.text = lines.pop() ?? "";
        for (const line of lines) {
          assert(!DUMP.test(line), line);
          assert(!hasUnsafeCharacters(line) && !/[\t\r]/.test(line), "unsafe on stdout");
          this.messages.put(JSON.parse(line));
        }
        return Promise.resolve(bytes.length);
      },
    };
    this.serving = serve(config, utf8(rest), { input: this.#input, output, errors: this.log });
  }

  send(message: unknown): void {
    const bytes = utf8(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
    // A read takes no more than the reader has room for.
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      this.#input.give(bytes.subarray(at, at + CHUNK_BYTES));
    }
  }

  /** Sends a line that must be answered, and takes the next message, whatever it is. */
  async ask(message: unknown): Promise<Message> {
    this.#asked++;
    this.send(message);
    return await this.messages.next();
  }

  request(id: unknown, method: string, params?: unknown): Promise<Message> {
    return this.ask({ jsonrpc: "2.0", id, method, params });
  }

  call(id: unknown, name: unknown, args?: unknown, meta?: unknown): Promise<Message> {
    return this.request(id, "tools/call", { name, arguments: args, _meta: meta });
  }

  async begin(): Promise<Message> {
    await this.serving.begin();
    const answer = await this.request("init", "initialize", {
      protocolVersion: "2024-11-05",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    });
    this.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return answer;
  }

  /** Checks that the server hears, and that it has said nothing that was not asked for. */
  async assertQuietAndAlive(): Promise<void> {
    assertEquals(
      await this.request("alive", "ping"),
      { jsonrpc: "2.0", id: "alive", result: {} } as Message,
    );
    assertEquals(this.messages.all.length, this.#asked);
  }

  end(): void {
    this.#input.give(null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    await within(5_000, "the client to be gone", this.serving.clientGone);
    await this.serving.stop(500);
  }
}

/** Aedes and a client that has said hello. */
export async function start(
  more: Record<string, unknown> = {},
): Promise<{ broker: AedesBroker; wire: Wire; [Symbol.asyncDispose](): Promise<void> }> {
  const broker = await startAedes();
  const wire = new Wire(broker, more);
  await wire.begin();
  return {
    broker,
    wire,
    async [Symbol.asyncDispose](): Promise<void> {
      await wire[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** The object in the text of a result, which must be the structured one as well. */
export function dataOf({ result, error }: Message): Record<string, unknown> {
  assertEquals(error, undefined);
  const [content] = result?.content ?? [];
  assertEquals([content?.type, result?.content?.length], ["text", 1]);
  const data = JSON.parse(content?.text ?? "");
  assertEquals(data, result?.structuredContent);
  assertEquals(result?.isError ?? false, !data.success);
  return data;
}
