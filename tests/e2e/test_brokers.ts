/**
 * The brokers that the end-to-end tests run against, behind one face.
 *
 * @module
 */

import { startAedes } from "../support/aedes.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { type ServerKind, testEachKind } from "../support/server_process.ts";
import { requireOrIgnore } from "../support/tools.ts";

/** A running broker. */
export interface TestBroker extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
}

/** How each of them is started, and what of it may be absent. */
const BROKERS = [
  { name: "Aedes", start: (): Promise<TestBroker> => startAedes(), needs: [] },
  {
    name: "Mosquitto",
    start: (): Promise<TestBroker> => startMosquitto({ verbose: false }),
    needs: ["mosquitto"],
  },
] as const;

/** What one test gets. */
export interface Stage {
  readonly kind: ServerKind;
  readonly broker: TestBroker;
  /** URL of the broker for {@linkcode connectPeer}. */
  readonly url: string;
}

/** Registers a test for each kind of server on each broker that is there. */
export function testEachBroker(name: string, run: (stage: Stage) => Promise<void>): void {
  for (const { name: brokerName, start, needs } of BROKERS) {
    testEachKind(`${name}, on ${brokerName}`, async (kind) => {
      await using broker = await start();
      await run({ kind, broker, url: `mqtt://${broker.hostname}:${broker.port}` });
    }, { ignore: requireOrIgnore(...needs) });
  }
}
