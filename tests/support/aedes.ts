/**
 * Aedes, a broker inside the test's own process: always there, MQTT 3.1.1 only.
 *
 * @module
 */

import { Aedes } from "aedes";
import type { AuthenticateError, Client } from "aedes";
import { Buffer } from "node:buffer";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import type { Server } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
// @ts-types="@types/ws"
import { createWebSocketStream, WebSocketServer } from "ws";
import { Inbox } from "./inbox.ts";
import { type IConnectPacket, type Packet, PacketReader } from "./mqtt_wire.ts";
import { Tap } from "./tap.ts";

/** Whether a broker carries out a request, says no, or never answers. */
export type Verdict = "accept" | "refuse" | "ignore";

/** How to start Aedes. */
export interface AedesOptions {
  /** Asked for in CONNECT. Default: anybody may connect. */
  readonly authenticate?: { readonly username: string; readonly password: string };
  /** Serves TLS with this certificate and key (PEM). Default: plain. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Serves MQTT over WebSocket at this path. Default: MQTT over the bare stream. */
  readonly wsPath?: string;
  /** Default 127.0.0.1. */
  readonly hostname?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** One packet and who sent it. */
export interface SeenPacket {
  /** Empty before CONNECT. */
  readonly clientId: string;
  readonly packet: Packet;
}

/** A running Aedes. Change the `on…` hooks at any time. */
export class AedesBroker implements AsyncDisposable {
  readonly hostname: string;
  /** Every packet that any client sent. */
  readonly packets = new Inbox<SeenPacket>("packet sent to Aedes");
  /** Id of each client whose connection has ended, however it did. */
  readonly ended = new Inbox<string>("connection to Aedes ended");
  /** What becomes of a PUBLISH; "refuse" ends the connection, as MQTT 3.1.1 has no better answer. */
  onPublish: (topic: string, clientId: string) => Verdict = () => "accept";
  /** What becomes of a subscription; "refuse" is 0x80 in SUBACK. */
  onSubscribe: (filter: string, clientId: string) => Verdict = () => "accept";
  readonly #options: AedesOptions;
  readonly #streams = new Map<Duplex, { clientId: string }>();
  #aedes: Aedes | undefined;
  #server: Server | undefined;
  #sockets = new Set<Duplex>();
  #port: number;

  constructor(options: AedesOptions) {
    this.#options = options;
    this.hostname = options.hostname ?? "127.0.0.1";
    this.#port = options.port ?? 0;
  }

  /** Stays the same over `stop` and `start`. */
  get port(): number {
    return this.#port;
  }

  /** Ids of the clients that are connected now. */
  get clientIds(): string[] {
    return [...this.#streams.values()].map(({ clientId }) => clientId).filter((id) => id !== "");
  }

  /** Every CONNECT so far. */
  get connects(): IConnectPacket[] {
    return this.packets.all.map(({ packet }) => packet).filter((p) => p.cmd === "connect");
  }

  /** Waits for a packet of kind `cmd`, past or future. */
  async saw<C extends Packet["cmd"]>(
    cmd: C,
    matching: (packet: Extract<Packet, { cmd: C }>) => boolean = () => true,
  ): Promise<Extract<Packet, { cmd: C }>> {
    const seen = await this.packets.find(({ packet }) =>
      packet.cmd === cmd && matching(packet as Extract<Packet, { cmd: C }>)
    );
    return seen.packet as Extract<Packet, { cmd: C }>;
  }

  /** Publishes as the broker itself; resolves when every subscriber's copy is on its way. */
  publish(
    topic: string,
    payload: string | Uint8Array,
    { retain = false, qos = 0 }: { retain?: boolean; qos?: 0 | 1 | 2 } = {},
  ): Promise<void> {
    const aedes = this.#aedes;
    if (aedes === undefined) throw new Error("Cannot publish: Aedes is not running");
    return new Promise((resolve, reject) =>
      aedes.publish(
        { cmd: "publish", topic, payload: Buffer.from(payload as string), retain, qos, dup: false },
        (error) => error ? reject(error) : resolve(),
      )
    );
  }

  /** Breaks the connection of one client, or of all, without a word. */
  kill(clientId?: string): void {
    for (const [stream, entry] of this.#streams) {
      if (clientId === undefined || entry.clientId === clientId) stream.destroy();
    }
  }

  /** Listens again on the same port; what was retained before `stop` is still there. */
  async start(): Promise<void> {
    this.#aedes ??= await this.#createAedes();
    const server = this.#createServer();
    server.on("connection", (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, this.hostname, resolve);
    });
    this.#server = server;
    const address = server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  /** Breaks every connection and stops listening. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.kill();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    const aedes = this.#aedes;
    if (aedes !== undefined) await new Promise<void>((resolve) => aedes.close(resolve));
  }

  #createAedes(): Promise<Aedes> {
    const wanted = this.#options.authenticate;
    return Aedes.createBroker({
      authenticate: (_client, username, password, done) => {
        const right = wanted === undefined ||
          (username === wanted.username && password?.toString() === wanted.password);
        if (right) done(null, true);
        else {done(
            Object.assign(new Error("refused"), { returnCode: 4 }) as AuthenticateError,
            null,
          );}
      },
      authorizePublish: (client, packet, done) => {
        const verdict = client === null ? "accept" : this.onPublish(packet.topic, client.id);
        if (verdict !== "ignore") done(verdict === "refuse" ? new Error("refused") : null);
      },
      authorizeSubscribe: (client: Client, subscription, done) => {
        const verdict = this.onSubscribe(subscription.topic, client.id);
        if (verdict !== "ignore") done(null, verdict === "refuse" ? null : subscription);
      },
    });
  }

  #createServer(): Server {
    const { tls, wsPath } = this.#options;
    if (wsPath === undefined) {
      const handle = (stream: Duplex) => this.#handle(stream);
      return tls === undefined
        ? createTcpServer({ noDelay: true }, handle)
        : createTlsServer({ ...tls, noDelay: true }, handle);
    }
    const server = tls === undefined ? createHttpServer() : createHttpsServer({ ...tls });
    new WebSocketServer({ server, path: wsPath })
      .on("connection", (socket) => this.#handle(createWebSocketStream(socket)));
    return server;
  }

  #handle(stream: Duplex): void {
    const entry = { clientId: "" };
    const reader = new PacketReader();
    const tap = new Tap(stream, (bytes) => {
      for (const packet of readSome(reader, bytes)) {
        if (packet.cmd === "connect") entry.clientId = packet.clientId;
        this.packets.put({ clientId: entry.clientId, packet });
      }
    });
    this.#streams.set(tap, entry);
    tap.on("close", () => {
      this.#streams.delete(tap);
      this.ended.put(entry.clientId);
    });
    this.#aedes?.handle(tap);
  }
}

/** What is not MQTT, such as TLS at a plain port, is for Aedes to refuse. */
function readSome(reader: PacketReader, bytes: Uint8Array): Packet[] {
  try {
    return reader.read(bytes);
  } catch {
    return [];
  }
}

/** Starts Aedes on a free port of 127.0.0.1. */
export async function startAedes(options: AedesOptions = {}): Promise<AedesBroker> {
  const broker = new AedesBroker(options);
  await broker.start();
  return broker;
}
