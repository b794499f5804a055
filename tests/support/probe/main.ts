/**
 * A program with the product's permissions and none of its good intentions. It gets its targets as
 * one line of JSON, starts a worker as the product does, gives up what the product gives up, and
 * prints what each half could still do.
 *
 * @module
 */

import { workerPermissions } from "../../../src/confinement.ts";
import { attempt, type ProbeReport, type ProbeTargets } from "./attempts.ts";

async function readTargets(): Promise<ProbeTargets> {
  const buffer = new Uint8Array(4_096);
  const length = await Deno.stdin.read(buffer) ?? 0;
  return JSON.parse(new TextDecoder().decode(buffer.subarray(0, length)));
}

const targets = await readTargets();
const worker = new Worker(new URL("./worker.ts", import.meta.url), {
  type: "module",
  deno: { permissions: workerPermissions(targets.host, targets.port) },
});
const confined = await new Promise<ProbeReport>((resolve, reject) => {
  worker.onmessage = ({ data }: MessageEvent<ProbeReport>) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(targets);
});
await Deno.permissions.revoke({ name: "net" });
const privileged = await attempt(targets);
await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify({ confined, privileged })}\n`));
Deno.exit(0);
