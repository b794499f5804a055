import type { Child } from "./child.ts";
import { Flood, type FloodMessage, prepare } from "./flood.ts";
import { type Flow, FLOW_PAYLOAD, type Sender } from "./sender.ts";

/** A real broker, and a publisher that has it forward messages. */
export class Relay implements Sender, Disposable {
  readonly hostname: string;
  readonly port: number;
  readonly #flood: Flood;

  /** Use {@link Relay.open}. */
  constructor(broker: { hostname: string; port: number }, flood: Flood) {
    this.hostname = broker.hostname;
    this.port = broker.port;
    this.#flood = flood;
  }

  /** Connects a publisher to a broker. */
  static async open(broker: { hostname: string; port: number }): Promise<Relay> {
    return new Relay(broker, await Flood.open(broker));
  }

  makeFlow(count: number, end: string, topicOf: (i: number) => string): Flow {
    const messages: FloodMessage[] = Array.from(
      { length: count },
      (_, i) => ({ topic: topicOf(i), payload: FLOW_PAYLOAD }),
    );
    return { bytes: prepare([...messages, { topic: end, payload: "" }]), count };
  }

  async flowMs(receiver: Child, { bytes }: Flow): Promise<{ ms: number; line: string }> {
    const start = performance.now();
    const publishing = this.#flood.publish(bytes);
    const line = await receiver.readLine();
    const ms = performance.now() - start;
    await publishing;
    return { ms, line };
  }

  [Symbol.dispose](): void {
    this.#flood[Symbol.dispose]();
  }
}
