/**
 * The whole confined half in this process, `src/serve.ts` itself, over streams in memory: what it
 * writes is looked at line by line, as it would stand on stdout.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { parseConfig } from "../../src/config.ts";
import type { ByteWriter } from "../../src/lines.ts";
import { serve, type Serving } from "../../src/serve.ts";
import { hasUnsafeCharacters } from "../../src/text.ts";
import { ManualReader, MemoryWriter, utf8 } from "../support/byte_streams.ts";
import { Inbox } from "../support/inbox.ts";
import type { Result } from "./client.ts";

/** What a result holds, to be looked into by name. */
export type Fields = Readonly<Record<string, unknown>>;

/** One JSON-RPC message. */
export interface Message {
  readonly jsonrpc: "2.0";
  readonly id?: number;
  readonly method?: string;
  readonly params?: Fields;
  readonly result?: Fields;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A tool's result as it came over the wire. */
export interface ToolReply {
  /** What `content[0].text` holds. */
  readonly text: string;
  /** The same, parsed. */
  readonly data: Result & Fields;
}

/** A client of one broker that speaks MCP with the confined half. */
export class Wire implements AsyncDisposable {
  /** Each line that was written, in order. */
  readonly lines = new Inbox<string>("line on stdout");
  readonly #messages = new Inbox<Message>("message on stdout");
  readonly #input = new ManualReader();
  readonly #serving: Serving;
  #lastId = 0;

  private constructor(credentials: Fields) {
    const { config } = parseConfig(credentials);
    this.#serving = serve(config, new Uint8Array(), {
      input: this.#input,
      output: new LineSink((line) => this.#take(line)),
      errors: new MemoryWriter(),
    });
  }

  /** Starts it and does MCP's `initialize`. */
  static async start(
    broker: { readonly hostname: string; readonly port: number },
    more: Fields = {},
  ): Promise<Wire> {
    const wire = new Wire({ MQTT_BROKER: broker.hostname, MQTT_PORT: broker.port, ...more });
    await wire.#serving.begin();
    await wire.result("initialize", {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "wire", version: "1.0.0" },
    });
    wire.#send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return wire;
  }

  /** Sends a request and gives the whole response. */
  async request(method: string, params: Fields = {}): Promise<Message> {
    const id = ++this.#lastId;
    this.#send({ jsonrpc: "2.0", id, method, params });
    return await this.#messages.find((message) => message.id === id, ANSWER_MS);
  }

  /** Sends a request that must succeed. */
  async result(method: string, params: Fields = {}): Promise<Fields> {
    const { result, error } = await this.request(method, params);
    assertEquals(error, undefined);
    return result ?? {};
  }

  /** Sends a request that must fail. */
  async error(
    method: string,
    params: Fields = {},
  ): Promise<{ code: number; message: string }> {
    const { result, error } = await this.request(method, params);
    assert(error !== undefined, `no error: ${JSON.stringify(result)}`);
    return error;
  }

  /** Calls a tool, whether it succeeds or not; text and structure must agree. */
  async call(name: string, args: Fields): Promise<ToolReply> {
    const result = await this.result("tools/call", { name, arguments: args });
    const [content] = result.content as { text: string }[];
    const text = content?.text ?? "";
    const parsed = JSON.parse(text);
    assertEquals(parsed, result.structuredContent);
    assertEquals(result.isError === true, !parsed.success);
    return { text, data: { messages: [], gaps: [], ...parsed } };
  }

  /** Calls a tool that must succeed, and gives its result. */
  async do(name: string, args: Fields): Promise<ToolReply["data"]> {
    const { data } = await this.call(name, args);
    assertEquals(data.success, true, data.error);
    return data;
  }

  /** Every notification so far, in order. */
  get notifications(): readonly Message[] {
    return this.#messages.all.filter(({ id }) => id === undefined);
  }

  /** Waits for a notification that a resource has changed, past or future. */
  async updated(uri: string): Promise<void> {
    await this.#messages.find(({ method, params }) =>
      method === "notifications/resources/updated" && params?.uri === uri
    );
  }

  /** Ends the input, as a client does that goes, and waits until that is noticed. */
  async leave(): Promise<void> {
    this.#input.give(null);
    await this.#serving.clientGone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
    await this.#serving.stop(500);
  }

  #send(message: object): void {
    this.#input.give(utf8(`${JSON.stringify(message)}\n`));
  }

  #take(line: string): void {
    this.lines.put(line);
    this.#messages.put(JSON.parse(line));
  }
}

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 30_000;

/** Hands on whole lines; throws at one that a terminal or a parent could be deceived by. */
class LineSink implements ByteWriter {
  readonly #take: (line: string) => void;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #rest = "";

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  write(p: Uint8Array): Promise<number> {
    const lines = (this.#rest + this.#decoder.decode(p, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      assert(line.startsWith("{") && line.endsWith("}"), `no JSON-RPC message: ${line}`);
      assert(!hasUnsafeCharacters(line) && !/[\t\r]/.test(line), "unsafe characters on stdout");
      this.#take(line);
    }
    return Promise.resolve(p.length);
  }
}
