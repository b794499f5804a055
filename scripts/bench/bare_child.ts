import type { Order } from "./bare.ts";
import { Child } from "./child.ts";
import type { Setting } from "./setting.ts";

/** The compiled program that has MQTT.js and nothing else. */
export class Bare extends Child {
  /** Spawns it and connects it to the broker. */
  static async start({ bare, broker, protocolVersion }: Setting): Promise<Bare> {
    const child = new Bare(bare.path);
    try {
      await child.tell({ connect: `mqtt://${broker.hostname}:${broker.port}`, protocolVersion });
      return child;
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Has an order carried out; gives what the program says of it. */
  async tell(order: Order): Promise<Record<string, unknown>> {
    await this.writeLine(JSON.stringify(order));
    return JSON.parse(await this.readLine());
  }

  /** Milliseconds that it takes to publish `count` messages at QoS 1, `inFlight` at a time. */
  async publishMs(
    { topic, message }: { topic: string; message: string },
    count: number,
    inFlight: number,
  ): Promise<number> {
    const { ms } = await this.tell({ publish: { topic, message, count, inFlight } });
    return Number(ms);
  }
}
