/**
 * A proxy between the server and any broker, to watch, cut or stall their connection.
 *
 * @module
 */

import { Inbox } from "./inbox.ts";
import { type Packet, PacketReader, wireVersion } from "./mqtt_wire.ts";

/** One packet on its way. */
export interface PassedPacket {
  readonly from: "client" | "broker";
  readonly packet: Packet;
}

/** A TCP proxy on a free port of 127.0.0.1 to one broker's plain MQTT port. */
export class Proxy implements AsyncDisposable {
  readonly hostname = "127.0.0.1";
  readonly port: number;
  /** Every packet of both directions, put here before it is passed on. */
  readonly packets = new Inbox<PassedPacket>("packet through the proxy");
  readonly #target: number;
  readonly #listener: Deno.Listener;
  readonly #accepting: Promise<void>;
  readonly #open = new Set<Deno.Conn>();
  readonly #pumps = new Set<Promise<void>>();
  #stalled: PromiseWithResolvers<void> | undefined;
  #refusing = false;

  constructor(target: number) {
    this.#target = target;
    const listener = Deno.listen({ hostname: this.hostname, port: 0 });
    this.#listener = listener;
    this.port = listener.addr.port;
    this.#accepting = this.#accept();
  }

  /** How many connections pass through it now. */
  get connections(): number {
    return this.#open.size / 2;
  }

  /** Waits for a packet of kind `cmd`, past or future. */
  async saw<C extends Packet["cmd"]>(
    cmd: C,
    matching: (packet: Extract<Packet, { cmd: C }>) => boolean = () => true,
  ): Promise<Extract<Packet, { cmd: C }>> {
    const { packet } = await this.packets.find(({ packet }) =>
      packet.cmd === cmd && matching(packet as Extract<Packet, { cmd: C }>)
    );
    return packet as Extract<Packet, { cmd: C }>;
  }

  /** Breaks every connection without a word. */
  cut(): void {
    for (const side of this.#open) close(side);
  }

  /** Passes nothing on, in either direction, until `resume`. */
  stall(): void {
    this.#stalled ??= Promise.withResolvers<void>();
  }

  /** Passes on what `stall` held back, and everything after it. */
  resume(): void {
    this.#stalled?.resolve();
    this.#stalled = undefined;
  }

  /** From now on, whether a new connection is closed as soon as it is made. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.resume();
    this.cut();
    await this.#accepting;
    this.cut();
    await Promise.all(this.#pumps);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      if (this.#refusing) {
        close(client);
        continue;
      }
      const broker = await Deno.connect({ hostname: this.hostname, port: this.#target })
        .catch(() => undefined);
      if (broker === undefined) {
        close(client);
        continue;
      }
      for (const side of [client, broker]) this.#open.add(side);
      const readers = { client: new PacketReader(), broker: new PacketReader() };
      this.#track(this.#pump("client", client, broker, readers));
      this.#track(this.#pump("broker", broker, client, readers));
    }
  }

  #track(pump: Promise<void>): void {
    this.#pumps.add(pump);
    void pump.then(() => this.#pumps.delete(pump));
  }

  async #pump(
    from: PassedPacket["from"],
    source: Deno.Conn,
    sink: Deno.Conn,
    readers: Record<PassedPacket["from"], PacketReader>,
  ): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let n = await source.read(buffer); n !== null; n = await source.read(buffer)) {
        await this.#stalled?.promise;
        for (const packet of readers[from].read(buffer.subarray(0, n))) {
          if (packet.cmd === "connect") readers.broker.setVersion(wireVersion(packet));
          this.packets.put({ from, packet });
        }
        for (let at = 0; at < n;) at += await sink.write(buffer.subarray(at, n));
      }
    } catch {
      // One side is gone; so the other one goes too.
    }
    for (const side of [source, sink]) {
      this.#open.delete(side);
      close(side);
    }
  }
}

/** Starts a proxy to `port` of 127.0.0.1. */
export function startProxy(port: number): Proxy {
  return new Proxy(port);
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Already closed: that is what was asked for.
  }
}
