/**
 * What a scripted broker sends, and what it was asked for.
 *
 * @module
 */

import type { IPublishPacket } from "mqtt-packet";
import { Buffer } from "node:buffer";
import { type ScriptedConnection } from "../support/scripted_broker.ts";

/** A PUBLISH as a broker sends it. */
export function publication(
  topic: string,
  payload: string,
  more: { retain?: boolean; ids?: number[]; correlationData?: Buffer } = {},
): IPublishPacket {
  const { retain = false, ids, correlationData } = more;
  const properties = {
    ...(ids === undefined ? {} : { subscriptionIdentifier: ids }),
    ...(correlationData === undefined ? {} : { correlationData }),
  };
  return {
    cmd: "publish",
    topic,
    payload: Buffer.from(payload),
    qos: 0,
    dup: false,
    retain,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  };
}

/** The Subscription Identifier with which a filter was subscribed. */
export function identifierOf(peer: ScriptedConnection, filter: string): number {
  for (const packet of peer.packets.all) {
    if (packet.cmd !== "subscribe" || packet.subscriptions[0]?.topic !== filter) continue;
    return Number(packet.properties?.subscriptionIdentifier);
  }
  throw new Error(`Cannot find a SUBSCRIBE for ${filter}`);
}
