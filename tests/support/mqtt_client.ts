/**
 * A bare MQTT.js client: the other party in a test.
 *
 * @module
 */

import mqtt from "mqtt";
import type { IClientOptions, IClientPublishOptions, MqttClient } from "mqtt";
import { Buffer } from "node:buffer";
import { Inbox } from "./inbox.ts";

/** One message that the client received. */
export interface ReceivedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly text: string;
  readonly retain: boolean;
  readonly qos: number;
}

/** See the module. Connects once, never again by itself. */
export class MqttPeer implements AsyncDisposable {
  readonly client: MqttClient;
  /** Everything received on the topics subscribed to. */
  readonly messages = new Inbox<ReceivedMessage>("message at the peer");

  constructor(client: MqttClient) {
    this.client = client;
    client.on("error", () => {});
    client.on("message", (topic, payload, { retain, qos }) => {
      this.messages.put({ topic, payload, text: payload.toString(), retain, qos });
    });
  }

  /** Publishes; resolves when the broker has acknowledged it. Default QoS 1. */
  async publish(
    topic: string,
    payload: string | Uint8Array,
    options: IClientPublishOptions = {},
  ): Promise<void> {
    await this.client.publishAsync(topic, Buffer.from(payload as string), { qos: 1, ...options });
  }

  /** Subscribes; resolves when the broker has acknowledged it. Default QoS 1. */
  async subscribe(filter: string, qos: 0 | 1 | 2 = 1): Promise<void> {
    await this.client.subscribeAsync(filter, { qos });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync(true);
  }
}

/** Connects a client to a URL like `mqtt://127.0.0.1:1883`. */
export async function connectPeer(url: string, options: IClientOptions = {}): Promise<MqttPeer> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, ...options }, false);
  return new MqttPeer(client);
}
