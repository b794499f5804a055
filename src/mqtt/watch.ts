/**
 * Everything that is seen of one connection: its acceptance, its acknowledgements and its end. The
 * library hides some of it (PUBACK 0x10, the cause of a failed handshake), so this listens lower.
 *
 * @module
 */

import type { MqttClient } from "mqtt";
import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import { type Evidence, explain, mayBeginSession, TOO_MANY_UNRELEASED } from "./causes.ts";
import type { Endpoint } from "./dial.ts";
import { isMalformed, type SeenPacket } from "./malformed.ts";
import { fromReturnCode } from "./reason_codes.ts";

/** Bound on the QoS 2 messages that the broker has sent and not released. */
const MOST_UNRELEASED_BYTES = 32 * 1024 * 1024;

/** Watches one client from its creation to its end. */
export class Watch {
  readonly #client: MqttClient;
  readonly #clock: Clock;
  readonly #evidence: { -readonly [K in keyof Evidence]: Evidence[K] };
  readonly #onEnd = new Set<(cause: MqttSmcpError) => void>();
  readonly #acks = new Map<number, number>();
  readonly #pubacked = new Set<number>();
  readonly #pongs: { target: number; resolve: () => void }[] = [];
  readonly #unreleased = new Map<number, number>();
  #unreleasedBytes = 0;
  #pingsSent = 0;
  #pongsSeen = 0;
  #lastHeardAt: number;
  #failure: MqttSmcpError | undefined;

  /** @param trace told of each packet, if anybody is to know */
  constructor(
    client: MqttClient,
    endpoint: Endpoint,
    clock: Clock,
    trace?: (packet: string) => void,
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#lastHeardAt = clock.now();
    if (trace !== undefined) {
      client.on("packetsend", (packet) => trace(`sent ${nameOf(packet)}`));
      client.on("packetreceive", (packet) => trace(`received ${nameOf(packet)}`));
    }
    this.#evidence = {
      transportUp: false,
      connected: false,
      tls: endpoint.tls !== null,
      transport: endpoint.transport,
    };
    this.#listen();
  }

  /** Why the connection ended; undefined while it lasts. */
  get failure(): MqttSmcpError | undefined {
    return this.#failure;
  }

  /** When the last packet came in; milliseconds since 1970. */
  get lastHeardAt(): number {
    return this.#lastHeardAt;
  }

  /** Calls `listener` once at the end, or now when that was before; returns what takes it away. */
  onEnd(listener: (cause: MqttSmcpError) => void): () => void {
    if (this.#failure !== undefined) {
      listener(this.#failure);
      return () => {};
    }
    this.#onEnd.add(listener);
    return () => void this.#onEnd.delete(listener);
  }

  /** The reason code other than 0 that came for this packet identifier, handed out once. */
  takeAck(messageId: number): number | undefined {
    const code = this.#acks.get(messageId);
    if (code !== undefined) this.#acks.delete(messageId);
    return code;
  }

  /** Whether it was a PUBACK that came for this packet identifier, handed out once. */
  takePuback(messageId: number): boolean {
    return this.#pubacked.delete(messageId);
  }

  /** Sends PINGREQ and calls back at the PINGRESP that answers it, not at one for an earlier ping. */
  ping(onPong: () => void): void {
    this.#client.sendPing();
    this.#pongs.push({ target: this.#pingsSent, resolve: onPong });
  }

  /** Closes the socket; the end then comes with the cause that the evidence gives. */
  breakOff(): void {
    this.#client.stream.destroy();
  }

  /** Ends the connection with this cause, unless it has ended. */
  fail(cause: MqttSmcpError): void {
    if (this.#failure !== undefined) return;
    this.#failure = cause;
    const listeners = [...this.#onEnd];
    this.#onEnd.clear();
    for (const listener of listeners) listener(cause);
    // After the listeners: ending calls back everything outstanding with an error without a cause.
    this.#client.end(true);
    this.#client.stream.destroy();
  }

  #listen(): void {
    const client = this.#client;
    const { stream } = client;
    const suspect = (error: unknown): void => {
      this.#evidence.error ??= error;
      // The library stops parsing after an error but keeps the socket: end it, the cause is known.
      stream.destroy();
    };
    client.on("error", suspect);
    stream.on("error", suspect);
    stream.once(this.#evidence.tls ? "secureConnect" : "connect", () => {
      this.#evidence.transportUp = true;
    });
    // Before the parser's own listener, which may fail on these very bytes.
    stream.prependOnceListener("data", (bytes: Uint8Array) => {
      this.#evidence.firstBytes = bytes.slice(0, 8);
      // The parser may wait for ever for the rest of what it takes for a long packet.
      if (!mayBeginSession(bytes)) stream.destroy();
    });
    client.on("packetreceive", (packet) => this.#see(packet as SeenPacket));
    client.on("packetsend", (packet) => {
      if ((packet as SeenPacket).cmd === "pingreq") this.#pingsSent++;
    });
    client.on("connect", () => {
      this.#evidence.connected = true;
    });
    client.on("close", () => this.fail(explain(this.#evidence)));
  }

  #see(packet: SeenPacket): void {
    this.#lastHeardAt = this.#clock.now();
    if (isMalformed(packet)) {
      this.#evidence.error ??= new Error("malformed packet");
      // Handed on, it would make the library throw where nobody can catch it.
      packet.cmd = "malformed";
      this.breakOff();
      return;
    }
    switch (packet.cmd) {
      case "publish":
        if (packet.qos === 2) this.#holdUnreleased(packet);
        break;
      case "pubrel":
        this.#release(packet.messageId ?? 0);
        break;
      case "puback":
      case "pubrec":
      case "pubcomp":
        this.#acknowledge(packet.cmd, packet.messageId ?? 0, packet.reasonCode ?? 0);
        break;
      case "pingresp":
        this.#pongsSeen++;
        while (this.#pongs[0] !== undefined && this.#pongs[0].target <= this.#pongsSeen) {
          this.#pongs.shift()?.resolve();
        }
        break;
      case "connack":
        this.#seeConnack(packet.reasonCode ?? packet.returnCode ?? 0);
        break;
      case "disconnect":
        this.#evidence.disconnectCode = packet.reasonCode ?? 0;
        this.#client.stream.destroy();
    }
  }

  #acknowledge(cmd: string, messageId: number, code: number): void {
    // What comes for a packet that is not in flight would be charged to a later one.
    if (!this.#client.outgoing[messageId]) return;
    if (cmd === "puback") this.#pubacked.add(messageId);
    if (code !== 0) this.#acks.set(messageId, code);
  }

  /** The library keeps each QoS 2 message until PUBREL, as many and as large as they come. */
  #holdUnreleased({ messageId = 0, payload }: SeenPacket): void {
    this.#release(messageId);
    const bytes = payload?.length ?? 0;
    this.#unreleased.set(messageId, bytes);
    this.#unreleasedBytes += bytes;
    if (this.#unreleasedBytes > MOST_UNRELEASED_BYTES && this.#unreleased.size > 1) {
      this.#evidence.error ??= new Error(TOO_MANY_UNRELEASED);
      this.breakOff();
    }
  }

  #release(messageId: number): void {
    this.#unreleasedBytes -= this.#unreleased.get(messageId) ?? 0;
    this.#unreleased.delete(messageId);
  }

  #seeConnack(code: number): void {
    // A 3.1.1 broker answers an MQTT 5 CONNECT with its own return codes, all below 0x80.
    if (code === 0) return;
    this.#evidence.connackCode = code < 0x80 ? fromReturnCode(code) : code;
    if (code < 0x80) this.#evidence.returnCode = code;
  }
}

/** What a log may hold of a packet: its kind and identifier, and nothing that it carries. */
function nameOf({ cmd, messageId }: SeenPacket): string {
  return messageId ? `${cmd.toUpperCase()} ${messageId}` : cmd.toUpperCase();
}
