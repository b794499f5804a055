/**
 * The one place that knows how MQTT.js is called to open a connection.
 *
 * @module
 */

import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { ProtocolVersion } from "./packets.ts";

/** Where the broker is and how to talk to it: the part of the configuration that a connection needs. */
export interface Endpoint {
  /** Host name or IP address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: "tcp" | "ws";
  readonly wsPath: string;
  /** PEM texts; null for a connection without TLS. */
  readonly tls: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  } | null;
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Seconds. */
  readonly keepalive: number;
}

/** Starts one connection that never reconnects by itself and remembers nothing after it ends. */
export function dial(
  endpoint: Endpoint,
  version: ProtocolVersion,
  connectTimeoutMs: number,
): MqttClient {
  const { host, tls, transport, username, password } = endpoint;
  const secure = tls !== null;
  const options: IClientOptions = {
    protocol: transport === "ws" ? (secure ? "wss" : "ws") : (secure ? "mqtts" : "mqtt"),
    host,
    // The ws transport builds a URL from this one; the socket transports take it as it is.
    hostname: transport === "ws" && host.includes(":") ? `[${host}]` : host,
    port: endpoint.port,
    path: endpoint.wsPath,
    clientId: endpoint.clientId,
    keepalive: endpoint.keepalive,
    protocolVersion: version === "5" ? 5 : 4,
    clean: true,
    connectTimeout: connectTimeoutMs,
    // Our own supervisor decides when to connect again, and our own ledger what to subscribe to.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // The default wants a Worker for its timers, which has no permission here.
    timerVariant: "native",
    log: () => {},
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
  if (tls !== null) {
    options.rejectUnauthorized = true;
    if (tls.ca !== undefined) options.ca = tls.ca;
    if (tls.cert !== undefined) options.cert = tls.cert;
    if (tls.key !== undefined) options.key = tls.key;
  }
  return mqtt.connect(options);
}
