import type { Child } from "./child.ts";

/** Messages of 100 bytes, behind them one on another topic that says they are all in. */
export interface Flow {
  readonly bytes: Uint8Array;
  /** How many, the one behind not counted. */
  readonly count: number;
}

/** The payload of each message that flows: 100 bytes. */
export const FLOW_PAYLOAD = "0123456789".repeat(10);

/** Where one receiver connects to, and what sends it messages that were made ready before. */
export interface Sender {
  readonly hostname: string;
  readonly port: number;
  /**
   * Makes `count` messages, the topic of each `topicOf` its number, and one on `end`; call it when
   * the receiver has subscribed, by the filter `filterOf` for each.
   */
  makeFlow(
    count: number,
    end: string,
    topicOf: (i: number) => string,
    filterOf: (i: number) => string,
  ): Flow;
  /** Sends a flow; gives the milliseconds until `receiver` writes its next line, and that line. */
  flowMs(receiver: Child, flow: Flow): Promise<{ ms: number; line: string }>;
}
