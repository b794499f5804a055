import { Child } from "./child.ts";
import type { Setting } from "./setting.ts";

/** What a tool answered. */
export type ToolAnswer = Readonly<Record<string, unknown>>;

/** The compiled product, spoken with over its own pipes. */
export class Product extends Child {
  readonly #setting: Setting;

  constructor(setting: Setting) {
    super(setting.product.path);
    this.#setting = setting;
  }

  /** Spawns it and does everything up to the first tool call. */
  static async start(setting: Setting, credentials: ToolAnswer = {}): Promise<Product> {
    const product = new Product(setting);
    try {
      await product.expect("+READY");
      await product.connect(credentials);
      return product;
    } catch (error) {
      await product[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Does the rest of the SMCP handshake, `+READY` being read, and MCP's `initialize`.
   *
   * @param credentials beside those that name the broker
   * @throws {Error} when the server answers something else
   */
  async connect(credentials: ToolAnswer = {}): Promise<void> {
    const { hostname, port } = this.#setting.broker;
    const broker = { MQTT_BROKER: hostname, MQTT_PORT: port, LOG_LEVEL: "ERROR" };
    await this.writeLine(JSON.stringify({ ...broker, ...credentials }));
    await this.expect("+OK");
    await this.writeLine(this.#line("initialize", {
      protocolVersion: "2024-11-05",
      capabilities: {},
      clientInfo: { name: "bench", version: "1.0.0" },
    }));
    const line = await this.readLine();
    if (JSON.parse(line).result === undefined) throw new Error(`Cannot initialize: ${line}`);
    await this.writeLine('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  /**
   * A call of a tool as a line to be written.
   *
   * @param id @default one that no other request has
   */
  callLine(name: string, args: ToolAnswer, id: number = this.nextId()): string {
    return this.#line("tools/call", { name, arguments: args }, id);
  }

  /**
   * Calls a tool and gives its result.
   *
   * @throws {Error} when the call did not succeed
   */
  async call(name: string, args: ToolAnswer): Promise<ToolAnswer> {
    return (await this.timedCall(name, args)).answer;
  }

  /**
   * As {@link Product.call}, with the milliseconds from the request to the last byte of the answer.
   *
   * @throws {Error} when the call did not succeed
   */
  async timedCall(name: string, args: ToolAnswer): Promise<{ ms: number; answer: ToolAnswer }> {
    const request = this.callLine(name, args);
    const start = performance.now();
    await this.writeLine(request);
    const line = await this.readLine();
    return { ms: performance.now() - start, answer: readAnswer(line) };
  }

  #line(method: string, params: unknown, id: number = this.nextId()): string {
    return JSON.stringify({ jsonrpc: "2.0", id, method, params });
  }
}

/**
 * The tool's result in a line.
 *
 * @throws {Error} when the call did not succeed
 */
export function readAnswer(line: string): ToolAnswer {
  const { structuredContent } = JSON.parse(line).result ?? {};
  if (structuredContent?.success !== true) {
    throw new Error(`Cannot go on, a call failed: ${line.slice(0, 500)}`);
  }
  return structuredContent;
}
