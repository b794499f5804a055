/**
 * MCP's stdio transport, over the streams that the SMCP handshake used. The SDK's own stays alive
 * after the input ends, goes deaf after a long line, and blocks the event loop on a full pipe.
 *
 * @module
 */

import type { Transport } from "@modelcontextprotocol/sdk/shared/transport";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types";
import { concat } from "./bytes.ts";
import { type ByteWriter, type LineReader, writeAll } from "./lines.ts";
import { readMessage, refusal } from "./rpc.ts";
import { RPC_CODES } from "./rpc_error.ts";
import { toSafeJson } from "./text.ts";

/** The longest line from a client, in bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Requests under way at once; more are refused. */
const MOST_REQUESTS = 1_000;
/** While more than this many bytes wait for the client to read them, nothing more is read. */
const MOST_UNSENT_BYTES = 4 * 1024 * 1024;
/** A batch of messages that has this many bytes takes no more. */
const MOST_BATCH_BYTES = 64 * 1024;

/** A message on its way to the client. */
interface Unsent {
  readonly bytes: Uint8Array;
  /** Called once it is written, or cannot be. */
  readonly settle: () => void;
}

/** Newline-delimited JSON-RPC. Every valid request id is answered once, or its call cancelled. */
export class StreamTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #lines: LineReader;
  readonly #output: ByteWriter;
  readonly #underWay = new Set<RequestId>();
  readonly #utf8 = new TextEncoder();
  readonly #unsent: Unsent[] = [];
  #unsentBytes = 0;
  #writing: Promise<void> | undefined;
  #open = true;

  /** @param lines bounded by {@link MAX_MESSAGE_BYTES} */
  constructor(lines: LineReader, output: ByteWriter) {
    this.#lines = lines;
    this.#output = output;
  }

  /** Begins to read. */
  start(): Promise<void> {
    this.#readAll().catch(() => {}).finally(() => this.close());
    return Promise.resolve();
  }

  /** Writes one message; resolves once the client's pipe has taken it. */
  send(message: JSONRPCMessage): Promise<void> {
    if ("id" in message && message.id !== undefined && !("method" in message)) {
      this.#underWay.delete(message.id);
    }
    return this.#write(message);
  }

  /** Stops; nothing is read or written from now on. */
  close(): Promise<void> {
    if (this.#open) {
      this.#open = false;
      this.onclose?.();
    }
    return Promise.resolve();
  }

  async #readAll(): Promise<void> {
    while (this.#open) {
      const line = await this.#lines.next();
      if (line === null || !this.#open) return;
      if (line.kind === "too_long") {
        const message = `Invalid Request: a line may be at most ${MAX_MESSAGE_BYTES} bytes long`;
        this.#answer(refusal(null, RPC_CODES.invalidRequest, message));
      } else if (line.kind === "line" && !isBlank(line.bytes)) {
        this.#receive(line.bytes);
      }
      // A client that does not read its answers gets no more of them: memory has a bound.
      if (this.#unsentBytes > MOST_UNSENT_BYTES) await this.#writing;
    }
  }

  #receive(bytes: Uint8Array): void {
    const inbound = readMessage(bytes);
    if (inbound.kind === "ignored") return;
    if (inbound.kind === "refused") return this.#answer(inbound.refusal);
    if (inbound.kind === "request") {
      const { id } = inbound;
      if (this.#underWay.has(id)) {
        // With the id in it, this would be a second answer to the first request.
        const message = "Invalid Request: a request with this id is still under way";
        return this.#answer(refusal(null, RPC_CODES.invalidRequest, message));
      }
      if (this.#underWay.size >= MOST_REQUESTS) {
        const message = `Server busy: ${MOST_REQUESTS} requests are under way`;
        return this.#answer(refusal(id, RPC_CODES.busy, message));
      }
      this.#underWay.add(id);
    }
    if (inbound.kind === "notification") this.#forgetCancelled(inbound.message);
    this.onmessage?.(inbound.message);
  }

  /** The SDK does not answer a cancelled request, so no answer will end it here. */
  #forgetCancelled(message: JSONRPCMessage): void {
    if (!("method" in message) || message.method !== "notifications/cancelled") return;
    const { requestId: id, reason = "" } = message.params ?? {};
    // The SDK takes 0 and "" for no id, and a reason that is no text for no cancellation, and goes
    // on to answer those requests.
    if (id && typeof reason === "string") this.#underWay.delete(id as RequestId);
  }

  #answer(message: object): void {
    this.#write(message).catch(() => {});
  }

  #write(message: object): Promise<void> {
    if (!this.#open) return Promise.resolve();
    const bytes = this.#utf8.encode(`${toSafeJson(message)}\n`);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#unsent.push({ bytes, settle: resolve });
    this.#unsentBytes += bytes.length;
    this.#writing ??= this.#writeAll();
    return promise;
  }

  async #writeAll(): Promise<void> {
    while (this.#unsent.length > 0) {
      const batch = this.#takeBatch();
      const bytes = concat(batch.map((message) => message.bytes));
      try {
        if (this.#open) await writeAll(this.#output, bytes);
      } catch {
        // The client closed its end: nobody is left to serve.
        this.close();
      }
      this.#unsentBytes -= bytes.length;
      for (const { settle } of batch) settle();
    }
    this.#writing = undefined;
  }

  /** What gathered while the last write was under way goes out together: a write costs more than it. */
  #takeBatch(): Unsent[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#unsent.length && bytes < MOST_BATCH_BYTES) {
      bytes += this.#unsent[count++]?.bytes.length ?? 0;
    }
    return this.#unsent.splice(0, count);
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
