/**
 * RabbitMQ with its MQTT plugin; the node, its distribution and epmd are on loopback only.
 *
 * @module
 */

import { freePort } from "../support/ports.ts";
import { LOGIN, type StartBroker, type Started, withFolder } from "./broker.ts";
import { Daemon } from "./daemon.ts";

/** The program itself; Debian's wrapper on PATH insists on the system's own user and folders. */
export const RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/** See the module. */
export const startRabbitMq: StartBroker = (certificates) =>
  withFolder("rabbitmq", async (folder, stack): Promise<Started> => {
    const [port, tlsPort, amqpPort] = [freePort(), freePort(), freePort()];
    const [distributionPort, epmdPort] = [freePort(), freePort()];
    const { server, ca } = certificates;
    const settings = [
      `listeners.tcp.1 = 127.0.0.1:${amqpPort}`,
      `mqtt.listeners.tcp.1 = 127.0.0.1:${port}`,
      `mqtt.listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
      `ssl_options.cacertfile = ${ca.certFile}`,
      `ssl_options.certfile = ${server.certFile}`,
      `ssl_options.keyfile = ${server.keyFile}`,
      "mqtt.allow_anonymous = false",
      `default_user = ${LOGIN.username}`,
      `default_pass = ${LOGIN.password}`,
      "log.console = true",
      "log.file = false",
    ];
    await Deno.writeTextFile(`${folder}/rabbitmq.conf`, settings.join("\n") + "\n");
    await Deno.writeTextFile(`${folder}/plugins`, "[rabbitmq_mqtt].\n");
    // Otherwise the node would start one itself, as a service that outlives it.
    stack.use(
      await Daemon.start({
        name: "epmd",
        command: ["epmd", "-d", "-address", "127.0.0.1", "-port", `${epmdPort}`],
        ready: [/epmd running/],
      }),
    );
    const node = stack.use(
      await Daemon.start({
        name: "RabbitMQ",
        command: [RABBITMQ],
        env: {
          HOME: folder,
          ERL_EPMD_ADDRESS: "127.0.0.1",
          ERL_EPMD_PORT: `${epmdPort}`,
          RABBITMQ_ADVANCED_CONFIG_FILE: `${folder}/advanced.config`,
          RABBITMQ_CONFIG_FILE: `${folder}/rabbitmq.conf`,
          RABBITMQ_CONF_ENV_FILE: `${folder}/environment.conf`,
          RABBITMQ_DIST_PORT: `${distributionPort}`,
          RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/plugins`,
          RABBITMQ_GENERATED_CONFIG_DIR: folder,
          RABBITMQ_LOG_BASE: folder,
          RABBITMQ_LOGS: "-",
          RABBITMQ_MNESIA_BASE: `${folder}/mnesia`,
          RABBITMQ_NODENAME: "mqtt-smcp@localhost",
          RABBITMQ_PID_FILE: `${folder}/pid`,
          RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
        },
        ready: [/Server startup complete/],
      }),
    );
    const version = node.said(/Starting RabbitMQ ([\d.]+)/);
    return { hostname: "127.0.0.1", port, tlsPort, version, username: LOGIN.username };
  });
