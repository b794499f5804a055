/**
 * One MQTT connection, from CONNECT to its end. It never reconnects: what it had in flight when it
 * ends is thus withdrawn with it, and nothing can be sent later behind a caller's back.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IPublishPacket, MqttClient } from "mqtt";
import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import { type Bound, cancelled, Listeners, until, withDeadline } from "../wait.ts";
import { closing, outcomeCutOff, outcomeUnknown, silent, subscribeCutOff } from "./call_errors.ts";
import { refineCause } from "./certificate.ts";
import { dial, type Endpoint } from "./dial.ts";
import type { BrokerLimits } from "./limits.ts";
import type {
  InboundMessage,
  OutboundMessage,
  ProtocolVersion,
  PublishAck,
  QoS,
  SubscribeRequest,
} from "./packets.ts";
import {
  type LibraryConnack,
  type LibraryPublish,
  toInbound,
  toLibraryProperties,
  toLimits,
  toSubscribeOptions,
} from "./properties.ts";
import { StoredOrder } from "./stored_order.ts";
import { Watch } from "./watch.ts";

/** QoS 1 and 2 publishes under way at once, whatever a broker that sets no limit would take. */
const MOST_IN_FLIGHT = 1_024;

/** Milliseconds past the connect timeout at which an attempt ends whatever the library does. */
const LATE_MS = 500;

/** What a connection is opened with. */
export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly version: ProtocolVersion;
  readonly clock: Clock;
  /** Milliseconds from the start of the attempt until CONNACK must be in. */
  readonly connectTimeoutMs: number;
  /** Called for each message, in the order of arrival, from before {@link openConnection} returns. */
  readonly onMessage: (message: InboundMessage) => void;
  /** Told of each packet, as "sent PUBLISH 7" or "received PUBACK 7". @default nobody */
  readonly trace?: ((packet: string) => void) | undefined;
}

/** An open connection. */
export class Connection {
  readonly version: ProtocolVersion;
  readonly limits: BrokerLimits;
  /** Milliseconds since 1970 at CONNACK. */
  readonly since: number;
  /** What was learned of how the broker sends stored messages. */
  readonly storedOrder = new StoredOrder();
  readonly #client: MqttClient;
  readonly #clock: Clock;
  readonly #watch: Watch;
  readonly #slotFreed = new Listeners();
  #inFlight = 0;
  #subscribing = 0;
  #closing = false;
  #endedBusy = false;

  /** Use {@link openConnection}. */
  constructor(client: MqttClient, options: ConnectionOptions, watch: Watch, limits: BrokerLimits) {
    this.#client = client;
    this.#clock = options.clock;
    this.#watch = watch;
    this.version = options.version;
    this.limits = limits;
    this.since = options.clock.now();
    watch.onEnd(() => this.#endedBusy = this.#inFlight + this.#subscribing > 0);
  }

  /** When the last packet came in; milliseconds since 1970. */
  get lastHeardAt(): number {
    return this.#watch.lastHeardAt;
  }

  /** True when the connection ended while a publish or a subscription was unacknowledged. */
  get endedBusy(): boolean {
    return this.#endedBusy;
  }

  /** Why the connection ended; undefined while it is open. */
  get failure(): MqttSmcpError | undefined {
    return this.#watch.failure;
  }

  /** Calls `listener` once at the end, or now when that was before; returns what takes it away. */
  onEnd(listener: (cause: MqttSmcpError) => void): () => void {
    return this.#watch.onEnd(listener);
  }

  /**
   * Sends a message and waits for its acknowledgement; QoS 0 ends when the socket has taken it.
   *
   * @throws {MqttSmcpError} OUTCOME_UNKNOWN when the connection ends or the time is over first;
   * BUSY when too many earlier publishes are unacknowledged (nothing was sent then); CANCELLED; or,
   * when the connection had ended before, the cause of that.
   */
  async publish(message: OutboundMessage, bound: Bound): Promise<PublishAck> {
    const deadline = this.#clock.now() + bound.ms;
    if (bound.signal?.aborted) throw cancelled();
    if (message.qos > 0) await this.#takeSlot(bound);
    // The slot goes with the acknowledgement and not with the caller's patience: that is what keeps
    // the broker's receive maximum (MQTT-3.3.4-9) when callers give up.
    const acknowledged = this.#send(message).finally(() => this.#freeSlot(message.qos));
    const ms = Math.max(0, deadline - this.#clock.now());
    return await withDeadline(
      { ...bound, ms },
      acknowledged,
      () => outcomeUnknown("the broker did not acknowledge it in time"),
    );
  }

  /**
   * Sends SUBSCRIBE for one filter and gives the SUBACK's code: a granted QoS, or 0x80 and above.
   *
   * @throws {MqttSmcpError} the cause when the connection ends first; TIMEOUT; CANCELLED.
   */
  async subscribe(request: SubscribeRequest, bound: Bound): Promise<number> {
    const options = toSubscribeOptions(request, this.version, this.limits);
    const sentAt = this.#clock.now();
    this.#subscribing++;
    const suback = this.#call<number>((resolve) => {
      this.#client.subscribe(request.filter, options, (_error, _granted, packet) => {
        const code = (packet as { granted?: readonly number[] } | undefined)?.granted?.[0];
        if (code === undefined) return this.#watch.breakOff();
        this.storedOrder.roundTripMs = this.#clock.now() - sentAt;
        resolve(code);
      });
    }, (cause) => subscribeCutOff(cause, this.#clock.now() - sentAt))
      .finally(() => this.#subscribing--);
    return await withDeadline(bound, suback, () => silent("SUBACK"));
  }

  /**
   * Sends UNSUBSCRIBE for one filter and waits for UNSUBACK.
   *
   * @throws {MqttSmcpError} the cause when the connection ends first; TIMEOUT; CANCELLED.
   */
  async unsubscribe(filter: string, bound: Bound): Promise<void> {
    const unsuback = this.#call<void>((resolve) => {
      this.#client.unsubscribe(filter, {}, (error) => error ? this.#watch.breakOff() : resolve());
    });
    await withDeadline(bound, unsuback, () => silent("UNSUBACK"));
  }

  /**
   * A round trip of PINGREQ and PINGRESP: what the broker had queued before it is in by then, on a
   * broker that keeps the order.
   *
   * @param onPong called at PINGRESP itself, before any packet behind it is looked at
   * @throws {MqttSmcpError} the cause when the connection ends first; TIMEOUT; CANCELLED.
   */
  async ping(bound: Bound, onPong: () => void = () => {}): Promise<void> {
    const pong = this.#call<void>((resolve) =>
      this.#watch.ping(() => {
        onPong();
        resolve();
      })
    );
    await withDeadline(bound, pong, () => silent("PINGRESP"));
  }

  /**
   * Sends DISCONNECT, waits up to `ms` milliseconds for the broker to close, and ends. Publishes
   * that are still unacknowledged end with OUTCOME_UNKNOWN.
   */
  async close(ms: number): Promise<void> {
    if (this.failure === undefined && !this.#closing) {
      this.#closing = true;
      // A graceful end() waits for outstanding acknowledgements, which may never come.
      this.#client.outgoing = {};
      this.#client.end(false, {}, () => {});
      await until({ clock: this.#clock, ms }, (wake) => this.#watch.onEnd(wake));
    }
    this.#watch.fail(closing());
  }

  #send(message: OutboundMessage): Promise<PublishAck> {
    const { topic, payload, qos, retain } = message;
    const properties = this.version === "5" && message.properties !== undefined
      ? { properties: toLibraryProperties(message.properties) }
      : {};
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const sentAt = this.#clock.now();
    let id = 0;
    return this.#call<PublishAck>((resolve) => {
      this.#client.publish(topic, bytes, { qos, retain, ...properties }, (error) => {
        const reasonCode = this.#watch.takeAck(id);
        const asQos1 = this.#watch.takePuback(id) && qos === 2;
        if (error && reasonCode === undefined) this.#watch.breakOff();
        else resolve({ reasonCode: reasonCode ?? 0, qos: asQos1 ? 1 : qos });
      });
      if (qos > 0) id = this.#client.getLastMessageId();
    }, (cause) => outcomeCutOff(cause, this.#clock.now() - sentAt, qos));
  }

  async #takeSlot(bound: Bound): Promise<void> {
    const most = Math.min(this.limits.receiveMaximum, MOST_IN_FLIGHT);
    const deadline = this.#clock.now() + bound.ms;
    while (this.#inFlight >= most && this.failure === undefined) {
      const ms = deadline - this.#clock.now();
      const woken = ms > 0 && await until({ ...bound, ms }, (wake) => {
        const forgetEnd = this.#watch.onEnd(wake);
        const forgetSlot = this.#slotFreed.add(wake);
        return () => {
          forgetEnd();
          forgetSlot();
        };
      });
      if (!woken) {
        throw new MqttSmcpError(
          "BUSY",
          `the broker has not acknowledged ${this.#inFlight} earlier publishes; nothing was sent`,
        );
      }
    }
    if (bound.signal?.aborted) throw cancelled();
    if (this.failure !== undefined) throw this.#closing ? closing() : this.failure;
    this.#inFlight++;
  }

  #freeSlot(qos: QoS): void {
    if (qos === 0) return;
    this.#inFlight--;
    this.#slotFreed.notify();
  }

  /**
   * A call to the library that the connection's end rejects, with `wrap`'s error. The library's own
   * failures carry no cause, so they break the connection off, and its end tells the cause.
   */
  #call<T>(
    start: (resolve: (value: T) => void) => void,
    wrap: (cause: MqttSmcpError) => MqttSmcpError = (cause) => cause,
  ): Promise<T> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    // Sent behind DISCONNECT it would be an error, and breaking off for it would cost the DISCONNECT.
    if (this.#closing) return Promise.reject(closing());
    return new Promise((resolve, reject) => {
      const forget = this.#watch.onEnd((cause) => reject(wrap(cause)));
      start((value) => {
        forget();
        resolve(value);
      });
    });
  }
}

/**
 * Connects and waits for CONNACK.
 *
 * @throws {MqttSmcpError} with the cause; CANCELLED when `signal` fires first.
 */
export function openConnection(
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Connection> {
  if (signal.aborted) return Promise.reject(cancelled());
  const { endpoint, version, clock, connectTimeoutMs, onMessage } = options;
  const client = dial(endpoint, version, connectTimeoutMs);
  const watch = new Watch(client, endpoint, clock, options.trace);
  client.on("message", (topic, _payload, packet: IPublishPacket) => {
    onMessage(toInbound(topic, packet as LibraryPublish, watch.lastHeardAt));
  });
  return new Promise((resolve, reject) => {
    const onAbort = (): void => watch.fail(cancelled());
    // The library has a timer of its own, which some malformed packets stop for good.
    const stopTimer = clock.after(connectTimeoutMs + LATE_MS, () => watch.breakOff());
    const forget = watch.onEnd((cause) => {
      stopTimer();
      signal.removeEventListener("abort", onAbort);
      refineCause(cause, endpoint, clock).then(reject);
    });
    signal.addEventListener("abort", onAbort);
    client.once("connect", (connack) => {
      forget();
      stopTimer();
      signal.removeEventListener("abort", onAbort);
      const limits = toLimits(version, connack.properties as LibraryConnack | undefined);
      resolve(new Connection(client, options, watch, limits));
    });
  });
}
