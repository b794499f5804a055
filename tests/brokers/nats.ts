/**
 * NATS with JetStream, which its MQTT side stores in; one process for plain MQTT and one for TLS,
 * because it has only one listener for MQTT.
 *
 * @module
 */

import type { Identity } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { LOGIN, type StartBroker, type Started, withFolder } from "./broker.ts";
import { Daemon } from "./daemon.ts";

/** See the module. */
export const startNats: StartBroker = (certificates) =>
  withFolder("nats", async (folder, stack): Promise<Started> => {
    const port = freePort();
    const plain = stack.use(await startServer(`${folder}/plain`, port));
    const tlsPort = freePort();
    stack.use(await startServer(`${folder}/tls`, tlsPort, certificates.server));
    const version = plain.said(/Version:\s+([\d.]+)/);
    return { hostname: "127.0.0.1", port, tlsPort, version, username: LOGIN.username };
  });

async function startServer(folder: string, port: number, identity?: Identity): Promise<Daemon> {
  const secure = identity === undefined
    ? ""
    : `, tls { cert_file: "${identity.certFile}", key_file: "${identity.keyFile}" }`;
  const settings = [
    "host: 127.0.0.1",
    `port: ${freePort()}`,
    "server_name: mqtt-smcp",
    `jetstream { store_dir: "${folder}" }`,
    `authorization { users: [{ user: "${LOGIN.username}", password: "${LOGIN.password}" }] }`,
    `mqtt { host: 127.0.0.1, port: ${port}${secure} }`,
  ];
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/nats.conf`, settings.join("\n") + "\n");
  return await Daemon.start({
    name: "NATS",
    command: ["nats-server", "-c", `${folder}/nats.conf`],
    ready: [/Listening for MQTT clients/, /Server is ready/],
  });
}
