/**
 * The entry. It opens the SMCP handshake on stdout, and only then loads the privileged half, which
 * takes the handshake on from there: a parent waits for `+READY`, and a process that starts reads no
 * more than 10 KB of code in a millisecond.
 *
 * @module
 */

import { sayReady } from "./src/ready.ts";

async function main(): Promise<number> {
  const stopSignal = onStopSignal();
  // An argument asks for something else than serving.
  if (Deno.args.length === 0) {
    try {
      await sayReady(Deno.stdout);
    } catch {
      // The parent is gone, and cannot be told.
      return 1;
    }
  }
  const { runPrivilegedHalf } = await import("./src/privileged.ts");
  const worker = new URL("./src/worker.ts", import.meta.url);
  return await runPrivilegedHalf(Deno.args, worker, stopSignal);
}

/** Resolves at the first signal that asks to stop. */
function onStopSignal(): Promise<void> {
  // Windows knows no SIGTERM; there a parent ends this process, or closes its stdin.
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  return new Promise((resolve) => {
    for (const signal of signals) Deno.addSignalListener(signal, resolve);
  });
}

if (import.meta.main) Deno.exit(await main());
