import { Buffer } from "node:buffer";
import { encodePacket } from "../../tests/support/mqtt_wire.ts";
import {
  obliging,
  type ScriptedBroker,
  type ScriptedConnection,
  startScriptedBroker,
} from "../../tests/support/scripted_broker.ts";
import type { Child } from "./child.ts";
import { type Flow, FLOW_PAYLOAD, type Sender } from "./sender.ts";

/**
 * A broker for one client that grants everything and then writes messages that were made ready
 * before, so that nothing is measured but who receives them: a real broker forwards hardly faster
 * than the receivers receive.
 */
export class Source implements Sender, AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  readonly #broker: ScriptedBroker;

  constructor() {
    this.#broker = startScriptedBroker(obliging());
    this.hostname = this.#broker.hostname;
    this.port = this.#broker.port;
  }

  makeFlow(
    count: number,
    end: string,
    topicOf: (i: number) => string,
    filterOf: (i: number) => string,
  ): Flow {
    const ids = this.#subscriptionIds();
    const publish = (topic: string, payload: string, id: number | undefined): Uint8Array => {
      const packet = { cmd: "publish", topic, payload, qos: 0, dup: false, retain: false } as const;
      const properties = id === undefined ? {} : { properties: { subscriptionIdentifier: id } };
      return encodePacket({ ...packet, ...properties }, 5);
    };
    const packets: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      packets.push(publish(topicOf(i), FLOW_PAYLOAD, ids.get(filterOf(i))));
    }
    packets.push(publish(end, "", ids.get(end)));
    return { bytes: Buffer.concat(packets), count };
  }

  async flowMs(receiver: Child, { bytes }: Flow): Promise<{ ms: number; line: string }> {
    const start = performance.now();
    const sending = this.#connection.sendBytes(bytes);
    const line = await receiver.readLine();
    const ms = performance.now() - start;
    await sending;
    return { ms, line };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker[Symbol.asyncDispose]();
  }

  get #connection(): ScriptedConnection {
    const connection = this.#broker.connections.all.at(-1);
    if (connection === undefined) throw new Error("Cannot send: no client is connected");
    return connection;
  }

  #subscriptionIds(): Map<string, number | undefined> {
    const ids = new Map<string, number | undefined>();
    for (const packet of this.#connection.packets.all) {
      if (packet.cmd !== "subscribe") continue;
      const id = packet.properties?.subscriptionIdentifier;
      for (const { topic } of packet.subscriptions) ids.set(topic, id);
    }
    return ids;
  }
}
