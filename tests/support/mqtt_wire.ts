/**
 * MQTT packets as they pass on a stream, read and written by the codec that MQTT.js uses too.
 *
 * @module
 */

import codec from "mqtt-packet";
import { Buffer } from "node:buffer";
import type { IConnectPacket, Packet } from "mqtt-packet";

export type { IConnackPacket, IConnectPacket, IPublishPacket, Packet } from "mqtt-packet";

/** The version of the protocol: 3 is 3.1, 4 is 3.1.1, 5 is 5. */
export type WireVersion = 3 | 4 | 5;

/** Turns one direction's bytes into packets. */
export class PacketReader {
  readonly #settings: { protocolVersion: WireVersion };
  readonly #packets: Packet[] = [];
  readonly #parser;
  #failure: Error | undefined;

  /** @param version what CONNECT names; a reader of the client's side learns it from there. */
  constructor(version: WireVersion = 4) {
    this.#settings = { protocolVersion: version };
    this.#parser = codec.parser(this.#settings);
    this.#parser.on("packet", (packet: Packet) => this.#packets.push(packet));
    this.#parser.on("error", (error: Error) => this.#failure ??= error);
  }

  /** Tells the version to a reader of the broker's side, which sees no CONNECT. */
  setVersion(version: WireVersion): void {
    this.#settings.protocolVersion = version;
  }

  /**
   * The packets that `bytes` complete.
   *
   * @throws Error when the bytes are not MQTT.
   */
  read(bytes: Uint8Array): Packet[] {
    this.#parser.parse(Buffer.from(bytes));
    if (this.#failure !== undefined) throw this.#failure;
    return this.#packets.splice(0);
  }
}

/** The bytes of `packet` in the given version. */
export function encodePacket(packet: Packet, version: WireVersion): Uint8Array {
  return codec.generate(packet, { protocolVersion: version });
}

/** The version that a CONNECT names. */
export function wireVersion(packet: IConnectPacket): WireVersion {
  return packet.protocolVersion ?? 4;
}
