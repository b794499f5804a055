/**
 * The confined half of the probe: reports what it could do.
 *
 * @module
 */

import { attempt, type ProbeTargets } from "./attempts.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<ProbeTargets>) => void;
  postMessage: (message: unknown) => void;
};

scope.onmessage = async ({ data }) => scope.postMessage(await attempt(data));
