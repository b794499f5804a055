/**
 * The worker's end of the channel to the privileged half.
 *
 * @module
 */

import {
  DISCONNECT_MS,
  type FromWorker,
  messageOf,
  onUncaught,
  type ToWorker,
} from "./confinement.ts";
import { serve, type Serving } from "./serve.ts";

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}

const scope = globalThis as unknown as WorkerScope;
let serving: Serving | undefined;

function failed(cause: unknown): void {
  scope.postMessage({ kind: "failed", message: messageOf(cause) });
}

onUncaught(failed);

async function end(): Promise<void> {
  await serving?.stop(DISCONNECT_MS);
  scope.postMessage({ kind: "ended" });
}

scope.onmessage = ({ data }) => {
  switch (data.kind) {
    case "start":
      serving = serve(data.config, data.rest, {
        input: Deno.stdin,
        output: Deno.stdout,
        errors: Deno.stderr,
      });
      serving.clientGone.then(end);
      scope.postMessage({ kind: "ready" });
      break;
    case "begin":
      serving?.begin().catch(failed);
      break;
    case "stop":
      end();
  }
};
