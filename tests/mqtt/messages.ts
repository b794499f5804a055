/**
 * Messages for tests.
 *
 * @module
 */

import type { InboundMessage } from "../../src/mqtt/packets.ts";

/** A received message; live and at QoS 0 unless `more` says otherwise. */
export function message(
  topic: string,
  payload: string | Uint8Array,
  more: Partial<InboundMessage> = {},
): InboundMessage {
  return {
    topic,
    payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
    qos: 0,
    retain: false,
    receivedAt: Date.UTC(2026, 0, 1),
    subscriptionIds: [],
    ...more,
  };
}

/** The payload as text. */
export function textOf({ payload }: InboundMessage): string {
  return new TextDecoder().decode(payload);
}
