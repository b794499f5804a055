/**
 * MCP's streamable HTTP in front of a server that speaks lines over stdio: the suite speaks nothing
 * else. Bodies and lines pass as they are; the bridge reads them only to know which answer belongs to
 * which request. One client at a time, each with a server process of its own.
 *
 * @module
 */

import type { ServerProcess } from "../support/server_process.ts";

const SESSION_HEADER = "mcp-session-id";
const FOR_EVER_MS = 2 ** 31 - 1;
const utf8 = new TextEncoder();

/** A stream of server-sent events that one HTTP response carries. */
class EventStream {
  readonly response: Response;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(session: string) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#controller = undefined;
      },
    });
    const headers = { "content-type": "text/event-stream", [SESSION_HEADER]: session };
    this.response = new Response(body, { headers });
  }

  send(line: string): void {
    this.#controller?.enqueue(utf8.encode(`event: message\ndata: ${line}\n\n`));
  }

  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }
}

/** One client and its server. */
class Session {
  readonly id = crypto.randomUUID();
  readonly #process: ServerProcess;
  /** Streams of requests that are not answered yet, by the id as JSON. */
  readonly #requests = new Map<string, EventStream>();
  readonly #reading: Promise<void>;
  readonly #faults: string[] = [];
  #standing: EventStream | undefined;
  #over = false;

  constructor(process: ServerProcess) {
    this.#process = process;
    this.#reading = this.#readAll();
  }

  /** Hands a message to the server; the response carries what the server says to it. */
  async post(body: string): Promise<Response> {
    if (this.#over) return deaf();
    const { id, method } = fieldsOf(body);
    const stream = method !== undefined && id !== undefined ? new EventStream(this.id) : undefined;
    if (stream !== undefined) this.#requests.set(JSON.stringify(id), stream);
    try {
      // JSON has a line break only where a space would do as well.
      await this.#process.write(`${body.replaceAll(/[\r\n]+/g, " ")}\n`);
    } catch {
      return deaf();
    }
    return stream?.response ?? new Response(null, { status: 202 });
  }

  /** The stream of what belongs to no request. */
  listen(): Response {
    if (this.#over) return deaf();
    this.#standing?.end();
    this.#standing = new EventStream(this.id);
    return this.#standing.response;
  }

  /** Ends the server as its client would; returns what is wrong with how it ended. */
  async end(): Promise<string[]> {
    await this.#process.closeInput();
    const { code } = await this.#process.exited();
    await this.#reading;
    if (code !== 0) {
      this.#faults.push(`the server ended with the exit code ${code}: ${this.#process.stderrText}`);
    }
    return this.#faults;
  }

  async #readAll(): Promise<void> {
    const { lines } = this.#process;
    try {
      for (;;) this.#pass(await lines.next(FOR_EVER_MS));
    } catch {
      // The server has closed its stdout: nobody waits any longer.
      this.#over = true;
      this.#standing?.end();
      for (const stream of this.#requests.values()) stream.end();
    }
  }

  #pass(line: string): void {
    const { jsonrpc, id, method } = fieldsOf(line);
    if (jsonrpc !== "2.0") this.#faults.push(`no JSON-RPC on stdout: ${line}`);
    const key = JSON.stringify(id ?? null);
    const asked = method === undefined ? this.#requests.get(key) : undefined;
    if (asked !== undefined) {
      this.#requests.delete(key);
      asked.send(line);
      asked.end();
    } else {
      // What a running call tells goes with the call; without one, where the client listens.
      const running = [...this.#requests.values()].at(-1);
      (running ?? this.#standing)?.send(line);
    }
  }
}

/** See the module. */
export class HttpBridge implements AsyncDisposable {
  /** Where it listens, on a free port of 127.0.0.1. */
  readonly url: string;
  /** What no scenario sees: servers that wrote something else than JSON-RPC, or did not end well. */
  readonly faults: string[] = [];
  readonly #start: () => Promise<ServerProcess>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #host: string;
  #session: Session | undefined;

  /** @param start starts a server that is ready for MCP */
  constructor(start: () => Promise<ServerProcess>) {
    this.#start = start;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.#host = `127.0.0.1:${this.#server.addr.port}`;
    this.url = `http://${this.#host}/mcp`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endSession();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const origin = request.headers.get("origin");
    // A page that has its own name resolve to 127.0.0.1 gets no further than this.
    if (
      new URL(request.url).host !== this.#host ||
      (origin !== null && new URL(origin).host !== this.#host)
    ) return refuse(403, "only for this machine");
    const id = request.headers.get(SESSION_HEADER);
    if (request.method === "POST" && id === null) return await this.#begin(await request.text());
    const session = this.#session;
    if (id === null || session?.id !== id) return refuse(404, "there is no such session");
    switch (request.method) {
      case "POST":
        return await session.post(await request.text());
      case "GET":
        return session.listen();
      case "DELETE":
        await this.#endSession();
        return new Response(null, { status: 204 });
      default:
        return refuse(405, "no such method");
    }
  }

  async #begin(body: string): Promise<Response> {
    await this.#endSession();
    this.#session = new Session(await this.#start());
    return await this.#session.post(body);
  }

  async #endSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.faults.push(...await session?.end() ?? []);
  }
}

function refuse(status: number, why: string): Response {
  return new Response(why, { status });
}

function deaf(): Response {
  return refuse(502, "the server has ended");
}

/** What a message tells of where it belongs; nothing, when it is no message. */
function fieldsOf(text: string): { jsonrpc?: unknown; id?: unknown; method?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
