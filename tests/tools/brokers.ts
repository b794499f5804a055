/**
 * The brokers that every test of the tools runs against.
 *
 * @module
 */

import { startAedes } from "../support/aedes.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer, type MqttPeer } from "../support/mqtt_client.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { type Client, startClient } from "./client.ts";

/** One broker, with the client under test and another party connected. */
export interface Stage {
  readonly broker: { readonly hostname: string; readonly port: number };
  readonly client: Client;
  readonly peer: MqttPeer;
  /** What the session speaks. */
  readonly version: "5" | "3.1.1";
}

interface BrokerKind {
  readonly name: string;
  readonly version: "5" | "3.1.1";
  readonly credentials: Readonly<Record<string, unknown>>;
  readonly ignore: boolean;
  readonly start: () => Promise<
    AsyncDisposable & { readonly hostname: string; readonly port: number }
  >;
}

const noMosquitto = requireOrIgnore("mosquitto");

const KINDS: readonly BrokerKind[] = [
  {
    name: "Aedes",
    version: "3.1.1",
    credentials: {},
    ignore: false,
    start: () => startAedes(),
  },
  {
    name: "Mosquitto, MQTT 5",
    version: "5",
    credentials: {},
    ignore: noMosquitto,
    start: () => startMosquitto({ verbose: false }),
  },
  {
    name: "Mosquitto, MQTT 3.1.1",
    version: "3.1.1",
    credentials: { MQTT_VERSION: "3.1.1" },
    ignore: noMosquitto,
    start: () => startMosquitto({ verbose: false }),
  },
];

/** One test for each broker: Aedes, and Mosquitto in both versions where it is installed. */
export function testEachBroker(name: string, run: (stage: Stage) => Promise<void>): void {
  for (const kind of KINDS) {
    Deno.test({
      name: `${name} (${kind.name})`,
      ignore: kind.ignore,
      async fn() {
        await using broker = await kind.start();
        await using peer = await connectPeer(`mqtt://${broker.hostname}:${broker.port}`);
        await using client = await startClient(broker, kind.credentials);
        await run({ broker, client, peer, version: kind.version });
      },
    });
  }
}
