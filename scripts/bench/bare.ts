/**
 * What the product is measured against where MQTT is in it: MQTT.js and nothing else, told what to do
 * by lines on stdin, each answered by one line.
 *
 * @module
 */
import "../../src/empty_env.ts";
import mqtt from "mqtt";
import type { MqttClient } from "mqtt";
import { Buffer } from "node:buffer";

/** What it can be told; the first is always `connect`. */
export type Order =
  | { connect: string; protocolVersion: 4 | 5 }
  | { publish: { topic: string; message: string; count: number; inFlight: number } }
  /** Counts messages under `filter` until one comes on the topic `end`. */
  | { count: { filter: string; end: string } };

let connected: MqttClient | undefined;

function client(): MqttClient {
  if (connected === undefined) throw new Error("Cannot do that: not connected");
  return connected;
}

/** Publishes `count` messages at QoS 1; gives the milliseconds until all are acknowledged. */
function publish(
  { topic, message, count, inFlight }: Extract<Order, { publish: unknown }>["publish"],
): Promise<number> {
  const payload = Buffer.from(message);
  const start = performance.now();
  let sent = 0;
  let acknowledged = 0;
  return new Promise((resolve, reject) => {
    const next = (): void => {
      sent++;
      client().publish(topic, payload, { qos: 1 }, (error) => {
        if (error) return reject(error);
        if (++acknowledged === count) resolve(performance.now() - start);
        else if (sent < count) next();
      });
    };
    while (sent < Math.min(inFlight, count)) next();
  });
}

async function count(
  { filter, end }: Extract<Order, { count: unknown }>["count"],
): Promise<void> {
  let messages = 0;
  client().on("message", (topic) => {
    if (topic !== end) {
      messages++;
    } else {
      say({ messages });
      messages = 0;
    }
  });
  await client().subscribeAsync([filter, end], { qos: 1 });
}

async function obey(order: Order): Promise<void> {
  if ("connect" in order) {
    const { protocolVersion } = order;
    connected = await mqtt.connectAsync(order.connect, { reconnectPeriod: 0, protocolVersion });
    await say({});
  } else if ("publish" in order) await say({ ms: await publish(order.publish) });
  else {
    await count(order.count);
    await say({});
  }
}

async function say(answer: object): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
}

const buffer = new Uint8Array(65_536);
let text = "";
for (let n = await Deno.stdin.read(buffer); n !== null; n = await Deno.stdin.read(buffer)) {
  text += new TextDecoder().decode(buffer.subarray(0, n));
  const lines = text.split("\n");
  text = lines.pop() ?? "";
  for (const line of lines) await obey(JSON.parse(line));
}
Deno.exit(0);
