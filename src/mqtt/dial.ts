/**
 * The one place that knows how MQTT.js is called to open a connection.
 *
 * @module
 */

import type { Agent } from "node:http";
import net from "node:net";
import process from "node:process";
import tls from "node:tls";
import mqtt, { type IClientOptions, MqttClient } from "mqtt";
import { PacketIds } from "./packet_ids.ts";
import type { ProtocolVersion } from "./packets.ts";

/** QoS 1 and 2 messages that a broker of MQTT 5 may send before the first is acknowledged. */
const RECEIVE_MAXIMUM = 1_000;

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
  const options = clientOptions(endpoint, version, connectTimeoutMs);
  // MQTT.js would load its WebSocket and SOCKS modules for a plain socket too: 20 ms of start-up.
  return endpoint.transport === "tcp"
    ? new MqttClient(() => openSocket(endpoint), options)
    : mqtt.connect({ ...options, ...webSocketOptions(endpoint) });
}

function clientOptions(
  { clientId, keepalive, username, password }: Endpoint,
  version: ProtocolVersion,
  connectTimeoutMs: number,
): IClientOptions {
  return {
    clientId,
    keepalive,
    // A PINGREQ each keep alive, traffic or not: the other way costs a new timer for each packet.
    reschedulePings: false,
    protocolVersion: version === "5" ? 5 : 4,
    clean: true,
    connectTimeout: connectTimeoutMs,
    // Our own supervisor decides when to connect again, and our own ledger what to subscribe to.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // The default wants a Worker for its timers, which has no permission here.
    timerVariant: "native",
    messageIdProvider: new PacketIds(),
    // Bounds the QoS 2 messages that the library holds until they are released.
    ...(version === "5" ? { properties: { receiveMaximum: RECEIVE_MAXIMUM } } : {}),
    // A table of all 65,536 two-byte numbers, made at the first packet: 20 ms and 8 MB.
    writeCache: false,
    log: () => {},
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function openSocket({ host, port, tls: secure }: Endpoint): net.Socket {
  if (secure === null) return net.connect({ host, port, noDelay: true });
  const socket = tls.connect({
    host,
    port,
    ...tlsOptions(secure),
    // An IP address is no server name (RFC 6066, section 3).
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
  });
  socket.setNoDelay(true);
  return socket;
}

function webSocketOptions({ host, port, tls: secure, wsPath }: Endpoint): IClientOptions {
  return {
    protocol: secure === null ? "ws" : "wss",
    hostname: host.includes(":") ? `[${host}]` : host,
    port,
    path: wsPath,
    wsOptions: { agent: directAgent(secure === null ? "node:http" : "node:https") },
    ...(secure === null ? {} : tlsOptions(secure)),
  };
}

/**
 * An agent that knows no proxy: with NODE_USE_ENV_PROXY the runtime's own words the upgrade for one.
 * Loaded here and not by an import, which would cost every start 4 ms.
 */
function directAgent(module: "node:http" | "node:https"): Agent {
  const { Agent } = process.getBuiltinModule(module);
  return new Agent({ proxyEnv: {} });
}

function tlsOptions({ ca, cert, key }: NonNullable<Endpoint["tls"]>): {
  rejectUnauthorized: true;
  ca?: string;
  cert?: string;
  key?: string;
} {
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
