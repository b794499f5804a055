/**
 * The confined half without its streams: session, subscriptions and tools on a real broker, wired as
 * `src/serve.ts` does it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../../src/clock.ts";
import { parseConfig, secretsOf } from "../../src/config.ts";
import { Logger } from "../../src/log.ts";
import { Session } from "../../src/mqtt/session.ts";
import { Subscriptions } from "../../src/mqtt/subscriptions.ts";
import { Policy } from "../../src/policy.ts";
import { toSafeJson } from "../../src/text.ts";
import { TOOLS } from "../../src/tools/mod.ts";
import type { ToolServices } from "../../src/tools/tool.ts";
import { MemoryWriter } from "../support/byte_streams.ts";
import { within } from "../support/inbox.ts";

/** How long a call may take before the test gives up, in milliseconds. */
const CALL_MS = 30_000;

/** One received message in a result. */
export interface Shown {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  readonly qos: number;
  readonly received: string;
  readonly encoding?: "base64";
  readonly truncated?: true;
  readonly size?: number;
}

/** A result of a tool; fields of other tools are absent. */
export interface Result {
  readonly success: boolean;
  readonly error?: string;
  readonly code?: string;
  readonly hint?: string;
  readonly topic?: string;
  readonly note?: string;
  readonly messages: readonly Shown[];
  readonly message_count?: number;
  readonly remaining?: number;
  readonly dropped?: number;
  readonly gaps: readonly { from: string; to: string | null }[];
  readonly complete?: boolean;
  readonly ended_by?: string;
  readonly discarded?: number;
  readonly qos?: number;
  readonly retain?: boolean;
}

/** What a caller may add to a call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (elapsed: number, total: number) => void;
}

/** A client of one broker with all tools. */
export class Client implements AsyncDisposable {
  readonly session: Session;
  readonly subscriptions: Subscriptions;
  readonly services: ToolServices;
  readonly #sink = new MemoryWriter();

  /**
   * @param credentials as a parent would send them
   * @param clock the system's unless a test has no time for it
   */
  constructor(credentials: Readonly<Record<string, unknown>>, clock: Clock = systemClock) {
    const { config } = parseConfig(credentials);
    const log = new Logger({ sink: this.#sink, level: "DEBUG", secrets: secretsOf(config) });
    const policy = new Policy(config.policy);
    this.subscriptions = new Subscriptions({
      clock,
      log,
      mayDeliver: (topic) => policy.mayDeliver(topic),
    });
    this.session = new Session({
      endpoint: config,
      version: config.version,
      clock,
      log,
      observer: this.subscriptions,
    });
    this.services = {
      clock,
      policy,
      subscriptions: this.subscriptions,
      connect: (bound) => this.session.connection(bound),
      session: this.session,
      broker: config,
      maxResultChars: config.maxResultChars,
    };
    this.session.start();
  }

  /** The log so far. */
  get log(): string {
    return this.#sink.text;
  }

  /** Calls a tool; every result's text must keep its bound. */
  async call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    { signal, onProgress }: CallOptions = {},
  ): Promise<Result> {
    const tool = TOOLS.find((it) => it.name === name);
    if (tool === undefined) throw new Error(`Cannot call ${name}: there is no such tool`);
    const call = tool.call(args, {
      ...this.services,
      signal: signal ?? new AbortController().signal,
      progress: onProgress ?? (() => {}),
    });
    const { failed, result } = await within(CALL_MS, `the end of ${name}`, call);
    assertEquals(failed, !result.success);
    const text = toSafeJson(result);
    assertEquals(text.length <= this.services.maxResultChars, true, `${text.length} characters`);
    return { messages: [], gaps: [], ...result } as Result;
  }

  /** The same, for a call that must succeed. */
  async do(
    name: string,
    args: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Result> {
    const result = await this.call(name, args, options);
    assertEquals(result.success, true, result.error);
    return result;
  }

  /** Waits until the connection stands. */
  async connected(): Promise<void> {
    await this.session.connection({ clock: systemClock, ms: CALL_MS });
  }

  /** Waits for the end of the connection that stands when `action` begins. */
  async losing(action: () => unknown): Promise<void> {
    const connection = await this.session.connection({ clock: systemClock, ms: CALL_MS });
    const ended = new Promise<unknown>((resolve) => connection.onEnd(resolve));
    await action();
    await within(CALL_MS, "the end of the connection", ended);
  }

  /** Disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close(500);
  }
}

/** A client of a broker on this machine, connected. */
export async function startClient(
  broker: { readonly hostname: string; readonly port: number },
  more: Readonly<Record<string, unknown>> = {},
): Promise<Client> {
  const client = new Client({ MQTT_BROKER: broker.hostname, MQTT_PORT: broker.port, ...more });
  await client.connected();
  return client;
}

/** The payloads of a result's messages, in order. */
export function payloadsOf({ messages }: Result): string[] {
  return messages.map(({ payload }) => payload);
}
