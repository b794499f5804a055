/** How much is measured. */
export interface Effort {
  /** Rounds of most rows; product and base take turns in each. */
  readonly rounds: number;
  /** Rounds of the start-up rows, which differ most from one to the next. */
  readonly startRounds: number;
  /** Publishes in a round. */
  readonly publishes: number;
  /** Messages that flow in a round. */
  readonly messages: number;
  /** Rounds of the memory rows, which take the longest. */
  readonly memoryRounds: number;
}

/** The whole picture: about six minutes. */
export const WHOLE: Effort = {
  rounds: 9,
  startRounds: 15,
  publishes: 2_000,
  messages: 100_000,
  memoryRounds: 5,
};

/** What a gate has time for: about a minute. */
export const BOUNDED: Effort = {
  rounds: 3,
  startRounds: 7,
  publishes: 1_000,
  messages: 40_000,
  memoryRounds: 1,
};

/** A compiled program. */
export interface Binary {
  readonly path: string;
  readonly bytes: number;
}

/** What is measured, and with what. */
export interface Setting {
  /** The compiled product. */
  readonly product: Binary;
  /** The empty program, compiled the same way. */
  readonly empty: Binary;
  /** The program that uses MQTT.js and nothing else, compiled the same way. */
  readonly bare: Binary;
  readonly broker: { readonly hostname: string; readonly port: number };
  /** The version that broker and product settle on: 5, or 4 for MQTT 3.1.1. */
  readonly protocolVersion: 4 | 5;
  readonly effort: Effort;
}
