/**
 * An MCP client of the confined half in this process, many requests at a time.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { dataOf, type Message, Wire } from "../support/wire.ts";
import type { Result } from "./client.ts";

/** What a result holds, to be looked into by name. */
export type Fields = Readonly<Record<string, unknown>>;

/** A tool's result as it came over the wire. */
export interface ToolReply {
  /** What `content[0].text` holds. */
  readonly text: string;
  /** The same, parsed. */
  readonly data: Result & Fields;
}

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 30_000;

/** See the module. */
export class McpClient implements AsyncDisposable {
  readonly #wire: Wire;
  #lastId = 0;
  #updatesTaken = 0;

  private constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Connects to a broker of this machine, and does MCP's `initialize`. */
  static async start(broker: { readonly port: number }, more: Fields = {}): Promise<McpClient> {
    const wire = new Wire(broker, { ...more });
    await wire.begin();
    return new McpClient(wire);
  }

  /** Sends a request and gives the whole response. */
  async request(method: string, params: Fields = {}): Promise<Message> {
    const id = ++this.#lastId;
    this.#wire.send({ jsonrpc: "2.0", id, method, params });
    return await this.#wire.messages.find((message) => message.id === id, ANSWER_MS);
  }

  /** Sends a request that must succeed. */
  async result(method: string, params: Fields = {}): Promise<Fields> {
    const { result, error } = await this.request(method, params);
    assertEquals(error, undefined);
    return result ?? {};
  }

  /** Sends a request that must fail. */
  async error(method: string, params: Fields = {}): Promise<{ code: number; message: string }> {
    const { result, error } = await this.request(method, params);
    assert(error !== undefined, `no error: ${JSON.stringify(result)}`);
    return error;
  }

  /** Calls a tool, whether it succeeds or not; text and structure must agree. */
  async call(name: string, args: Fields): Promise<ToolReply> {
    const message = await this.request("tools/call", { name, arguments: args });
    const data = { messages: [], gaps: [], ...dataOf(message) } as unknown as ToolReply["data"];
    return { text: message.result?.content?.[0]?.text ?? "", data };
  }

  /** Calls a tool that must succeed, and gives its result. */
  async do(name: string, args: Fields): Promise<ToolReply["data"]> {
    const { data } = await this.call(name, args);
    assertEquals(data.success, true, data.error);
    return data;
  }

  /** Takes the next notification of a changed resource, and gives its URI. */
  async nextUpdate(): Promise<string> {
    let left = ++this.#updatesTaken;
    const isNext = ({ method }: Message): boolean =>
      method === "notifications/resources/updated" && --left === 0;
    const { params } = await this.#wire.messages.find(isNext);
    return String(params?.uri);
  }

  /** Every notification so far, in order. */
  get notifications(): readonly Message[] {
    return this.#wire.messages.all.filter(({ method }) => method !== undefined);
  }

  /** Ends the input, as a client does that goes, and waits until that is noticed. */
  async leave(): Promise<void> {
    this.#wire.end();
    await this.#wire.serving.clientGone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire[Symbol.asyncDispose]();
  }
}
