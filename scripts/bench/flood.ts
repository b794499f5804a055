import { Buffer } from "node:buffer";
import { generate } from "mqtt-packet";

/** Bytes that one write hands to the system. */
const CHUNK_BYTES = 1024 * 1024;

/** One message of a flood. */
export interface FloodMessage {
  readonly topic: string;
  readonly payload: string;
  /** @default false */
  readonly retain?: boolean;
}

/** Messages at QoS 0 as the bytes that a publisher writes, made beforehand. */
export function prepare(messages: Iterable<FloodMessage>): Uint8Array {
  const packets: Uint8Array[] = [];
  for (const { topic, payload, retain = false } of messages) {
    packets.push(generate({ cmd: "publish", topic, payload, retain, qos: 0, dup: false }));
  }
  return Buffer.concat(packets);
}

/**
 * A publisher that does nothing but write bytes that are ready, so that it holds up nobody who
 * receives them.
 */
export class Flood implements Disposable {
  readonly #connection: Deno.TcpConn;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to a broker by MQTT 3.1.1. */
  static async open(broker: { hostname: string; port: number }): Promise<Flood> {
    const connection = await Deno.connect(broker);
    await writeAll(
      connection,
      generate({
        cmd: "connect",
        protocolId: "MQTT",
        protocolVersion: 4,
        clean: true,
        clientId: `flood-${crypto.randomUUID()}`,
        keepalive: 0,
      }),
    );
    const answer = new Uint8Array(4);
    const count = await connection.read(answer);
    if (count !== 4 || answer[0] !== 0x20 || answer[3] !== 0) {
      connection.close();
      throw new Error("Cannot publish: the broker refused the publisher");
    }
    return new Flood(connection);
  }

  /** Writes what {@link prepare} made; resolves when the system has taken it. */
  async publish(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#connection, bytes);
  }

  /** Waits until the broker has read everything published so far. */
  async settled(): Promise<void> {
    await writeAll(this.#connection, generate({ cmd: "pingreq" }));
    await this.#connection.read(new Uint8Array(2));
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(await connection.write(rest.subarray(0, CHUNK_BYTES)));
  }
}
