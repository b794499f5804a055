/**
 * Brokers that do exactly what a test says, down to the byte.
 *
 * @module
 */

import { Inbox } from "./inbox.ts";
import {
  encodePacket,
  type Packet,
  PacketReader,
  type WireVersion,
  wireVersion,
} from "./mqtt_wire.ts";

/** One client's connection, seen from the broker. */
export class ScriptedConnection {
  /** Every packet that the client sent; closed when the client's side ends. */
  readonly packets = new Inbox<Packet>("packet of the client");
  /** Settles when the client's side of the stream has ended or broken. */
  readonly ended: Promise<void>;
  readonly #socket: Deno.Conn;
  readonly #reader = new PacketReader();
  #version: WireVersion = 4;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(socket: Deno.Conn, onPacket: (packet: Packet) => void) {
    this.#socket = socket;
    this.ended = this.#read(onPacket);
  }

  /** The version that CONNECT named; 3.1.1 before it came. */
  get version(): WireVersion {
    return this.#version;
  }

  /** Takes the next packet, or the next one of kind `cmd`, passing over others. */
  async next<C extends Packet["cmd"]>(cmd?: C): Promise<Extract<Packet, { cmd: C }>> {
    for (;;) {
      const packet = await this.packets.next();
      if (cmd === undefined || packet.cmd === cmd) return packet as Extract<Packet, { cmd: C }>;
    }
  }

  /** Sends one packet in the client's version, or in another one. */
  send(packet: Packet, version: WireVersion = this.#version): Promise<void> {
    return this.sendBytes(encodePacket(packet, version));
  }

  /** Sends bytes as they are; a connection that is gone swallows them. */
  sendBytes(bytes: Uint8Array): Promise<void> {
    const done = this.#writing.then(async () => {
      for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
    }).catch(() => {});
    this.#writing = done;
    return done;
  }

  /** Drops the connection at once, without any packet. */
  drop(): void {
    try {
      this.#socket.close();
    } catch {
      // Already closed: that is what was asked for.
    }
  }

  async #read(onPacket: (packet: Packet) => void): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (
        let n = await this.#socket.read(buffer);
        n !== null;
        n = await this.#socket.read(buffer)
      ) {
        for (const packet of this.#reader.read(buffer.subarray(0, n))) {
          if (packet.cmd === "connect") this.#version = wireVersion(packet);
          this.packets.put(packet);
          onPacket(packet);
        }
      }
      this.packets.close("the client ended the connection");
    } catch (error) {
      this.packets.close(`the connection broke (${(error as Error).message})`);
    }
    await this.#writing;
    this.drop();
  }
}

/** What a scripted broker does: once for each connection, and once for each packet. */
export interface Script {
  /** When a client has connected at TCP level. */
  readonly onConnection?: (connection: ScriptedConnection) => void | Promise<void>;
  /** For each packet of a client, in order. */
  readonly onPacket?: (packet: Packet, connection: ScriptedConnection) => void | Promise<void>;
}

/** A listening scripted broker. */
export interface ScriptedBroker extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** Every connection, in order of arrival. */
  readonly connections: Inbox<ScriptedConnection>;
}

/**
 * Starts one on a free port of 127.0.0.1. An empty script accepts TCP and never says anything.
 * A script that throws drops the connection; its error is thrown when the broker is disposed.
 */
export function startScriptedBroker(script: Script = {}): ScriptedBroker {
  const hostname = "127.0.0.1";
  const listener = Deno.listen({ hostname, port: 0 });
  const connections = new Inbox<ScriptedConnection>("connection to the scripted broker");
  const failures: unknown[] = [];
  const run = (connection: () => ScriptedConnection, action: () => void | Promise<void>) =>
    Promise.resolve().then(action).catch((error) => {
      failures.push(error);
      connection().drop();
    });
  const accepting = (async () => {
    for await (const socket of listener) {
      // Small packets one after the other would wait 40 ms for an ACK.
      socket.setNoDelay();
      const connection: ScriptedConnection = new ScriptedConnection(socket, (packet) => {
        void run(() => connection, () => script.onPacket?.(packet, connection));
      });
      connections.put(connection);
      void run(() => connection, () => script.onConnection?.(connection));
    }
  })();
  return {
    hostname,
    port: listener.addr.port,
    connections,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting;
      for (const connection of connections.all) connection.drop();
      await Promise.all(connections.all.map((connection) => connection.ended));
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** How an obliging broker answers where it should not just accept; see {@linkcode obliging}. */
export interface Obligingness {
  /** Properties of CONNACK (MQTT 5). */
  readonly connackProperties?: Extract<Packet, { cmd: "connack" }>["properties"];
  /** Reason code of CONNACK (3.1.1: return code). Default 0, success. */
  readonly connackCode?: number;
  /** Reason code of each PUBACK and PUBREC (MQTT 5), or `null`: never acknowledge. */
  readonly publishCode?: (topic: string) => number | null;
  /** Code in SUBACK for a filter, or `null`: never acknowledge. Default: the QoS asked for. */
  readonly subscribeCode?: (filter: string, qos: number) => number | null;
  /** After SUBACK. */
  readonly onSubscribed?: (filters: string[], connection: ScriptedConnection) => unknown;
  /** Reason code of UNSUBACK, or `null`: never acknowledge. */
  readonly unsubscribeCode?: (filter: string) => number | null;
  /** Whether PINGREQ is answered. Default true. */
  readonly pings?: boolean;
}

/** The script of a broker that accepts everything and stores nothing, with exceptions. */
export function obliging(options: Obligingness = {}): Script {
  return {
    async onPacket(packet, connection): Promise<void> {
      const answer = answerTo(packet, connection.version, options);
      if (answer === undefined) return;
      await connection.send(answer);
      if (packet.cmd === "subscribe") {
        const filters = packet.subscriptions.map(({ topic }) => topic);
        await options.onSubscribed?.(filters, connection);
      }
    },
  };
}

function answerTo(
  packet: Packet,
  version: WireVersion,
  options: Obligingness,
): Packet | undefined {
  const messageId = packet.messageId ?? 0;
  switch (packet.cmd) {
    case "connect": {
      const code = options.connackCode ?? 0;
      const connack = { cmd: "connack", sessionPresent: false } as const;
      if (version !== 5) return { ...connack, returnCode: code };
      const properties = options.connackProperties;
      return { ...connack, reasonCode: code, ...(properties === undefined ? {} : { properties }) };
    }
    case "publish": {
      if (packet.qos === 0) return undefined;
      const reasonCode = options.publishCode === undefined ? 0 : options.publishCode(packet.topic);
      if (reasonCode === null) return undefined;
      return packet.qos === 2
        ? { cmd: "pubrec", messageId, reasonCode }
        : { cmd: "puback", messageId, reasonCode };
    }
    case "pubrel":
      return { cmd: "pubcomp", messageId, reasonCode: 0 };
    case "subscribe": {
      const { subscribeCode = (_: string, qos: number): number | null => qos } = options;
      const granted = packet.subscriptions.map(({ topic, qos }) => subscribeCode(topic, qos));
      return answered(granted) ? { cmd: "suback", messageId, granted } : undefined;
    }
    case "unsubscribe": {
      const { unsubscribeCode = (): number | null => 0 } = options;
      const granted = packet.unsubscriptions.map(unsubscribeCode);
      return answered(granted) ? { cmd: "unsuback", messageId, granted } : undefined;
    }
    case "pingreq":
      return options.pings === false ? undefined : { cmd: "pingresp" };
    default:
      return undefined;
  }
}

function answered(codes: (number | null)[]): codes is number[] {
  return !codes.includes(null);
}
