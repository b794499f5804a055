/**
 * The privileged half's end of the channel: starts the confined half and watches it.
 *
 * @module
 */

import type { Config } from "./config.ts";
import {
  DISCONNECT_MS,
  type FromWorker,
  messageOf,
  onUncaught,
  type ToWorker,
  workerPermissions,
} from "./confinement.ts";

/** The confined half, loaded and connecting to the broker. */
export interface Confined {
  /** Lets it speak MCP; call it once `+OK` is out. */
  begin(): void;
  /** Resolves when the client is gone or the stop is done; rejects when the confined half died. */
  readonly ended: Promise<void>;
  /** Asks it to disconnect from the broker. */
  stop(): void;
}

/**
 * Loads the confined half in a worker that can reach nothing but the broker.
 *
 * @throws {Error} when the worker does not load.
 */
export function startWorker(module: URL, config: Config, rest: Uint8Array): Promise<Confined> {
  const worker = new Worker(module, {
    type: "module",
    name: "confined",
    deno: { permissions: workerPermissions(config.host, config.port) },
  });
  const tell = (message: ToWorker): void => worker.postMessage(message);
  const ended = Promise.withResolvers<void>();
  // A failure before `ready` is this function's own; without a listener it would count as unhandled.
  ended.promise.catch(() => {});
  return new Promise((resolve, reject) => {
    const failed = (message: string): void => {
      reject(new Error(message));
      ended.reject(new Error(message));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      failed(event.message);
    };
    worker.onmessageerror = () => ended.reject(new Error("a message could not be read"));
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "failed") failed(data.message);
      else if (data.kind === "ended") ended.resolve();
      else {
        resolve({
          begin: () => tell({ kind: "begin" }),
          ended: ended.promise,
          stop: () => tell({ kind: "stop" }),
        });
      }
    };
    tell({ kind: "start", config, rest });
  });
}

/** Loads the same half into this isolate, where only the flags of the command line confine it. */
export async function startHere(config: Config, rest: Uint8Array): Promise<Confined> {
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  onUncaught((cause) => ended.reject(new Error(messageOf(cause))));
  const { serve } = await import("./serve.ts");
  const serving = serve(config, rest, {
    input: Deno.stdin,
    output: Deno.stdout,
    errors: Deno.stderr,
  });
  const stop = (): void => {
    serving.stop(DISCONNECT_MS).then(ended.resolve, ended.reject);
  };
  serving.clientGone.then(stop);
  const begin = (): void => void serving.begin().catch(ended.reject);
  return { begin, ended: ended.promise, stop };
}
