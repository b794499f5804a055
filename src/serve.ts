/**
 * The confined half: everything from the first MCP message on. It runs in the worker, or, where a
 * worker cannot be loaded from source, in the main isolate.
 *
 * @module
 */

import "./empty_env.ts";
import { systemClock } from "./clock.ts";
import { type Config, secretsOf } from "./config.ts";
import { type ByteReader, type ByteWriter, LineReader } from "./lines.ts";
import { Logger } from "./log.ts";
import { Session } from "./mqtt/session.ts";
import { Subscriptions } from "./mqtt/subscriptions.ts";
import { Policy } from "./policy.ts";
import { Resources } from "./resources.ts";
import { createServer } from "./server.ts";
import type { ToolServices } from "./tools/tool.ts";
import { LastSeen } from "./mqtt/last_seen.ts";
import { READING_TOOLS, TOOLS } from "./tools/mod.ts";
import { MAX_MESSAGE_BYTES, StreamTransport } from "./transport.ts";

/** Milliseconds for the last lines of the log. */
const FLUSH_MS = 20;

/** The streams that the handshake used. */
export interface ServeStreams {
  readonly input: ByteReader;
  readonly output: ByteWriter;
  readonly errors: ByteWriter;
}

/** The confined half at work. */
export interface Serving {
  /** Begins to speak MCP; call it once `+OK` is out. */
  begin(): Promise<void>;
  /** Resolves when the client is gone. */
  readonly clientGone: Promise<void>;
  /** Disconnects from the broker, waiting up to `ms` milliseconds for it. */
  stop(ms: number): Promise<void>;
}

/**
 * Starts to connect to the broker and makes ready to serve.
 *
 * @param rest bytes that came in behind the credential line
 */
export function serve(config: Config, rest: Uint8Array, streams: ServeStreams): Serving {
  const log = new Logger({
    sink: streams.errors,
    level: config.logLevel,
    secrets: secretsOf(config),
  });
  const policy = new Policy(config.policy);
  const lastSeen = new LastSeen();
  const subscriptions = new Subscriptions({
    clock: systemClock,
    log,
    mayDeliver: (topic) => policy.mayDeliver(topic),
    onMessage: (message) => lastSeen.note(message),
  });
  const session = new Session({
    endpoint: config,
    version: config.version,
    clock: systemClock,
    log,
    observer: subscriptions,
  });
  const services: ToolServices = {
    clock: systemClock,
    policy,
    subscriptions,
    connect: (bound) => session.connection(bound),
    session,
    broker: config,
    maxResultChars: config.maxResultChars,
  };
  const tools = policy.readOnly ? READING_TOOLS : TOOLS;
  const resources = new Resources(services, lastSeen);
  const server = createServer(tools, resources, services, log);
  const lines = new LineReader(streams.input, { maxBytes: MAX_MESSAGE_BYTES, initial: rest });
  const transport = new StreamTransport(lines, streams.output);
  const gone = Promise.withResolvers<void>();
  server.onclose = () => {
    resources[Symbol.dispose]();
    gone.resolve();
  };
  server.onerror = (error) => log.debug("protocol", error.message.slice(0, 200));
  session.start();
  return {
    begin: () => server.connect(transport),
    clientGone: gone.promise,
    async stop(ms): Promise<void> {
      await session.close(ms);
      await log.flush(FLUSH_MS);
    },
  };
}
