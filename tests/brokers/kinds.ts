/**
 * The brokers of the suite, and where each departs from what the others do.
 *
 * @module
 */

import { startAedes } from "../support/aedes.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { ROOT } from "../support/server_process.ts";
import { isFile, requireAll, requireOrIgnore } from "../support/tools.ts";
import { LOGIN, type StartBroker } from "./broker.ts";
import { startEjabberd } from "./ejabberd.ts";
import { startNats } from "./nats.ts";
import { RABBITMQ, startRabbitMq } from "./rabbitmq.ts";

/** One broker in one version of MQTT. */
export interface BrokerKind {
  readonly name: string;
  readonly ignore: boolean;
  readonly start: StartBroker;
  /** What the server is told beside where the broker is. */
  readonly credentials: Readonly<Record<string, unknown>>;
  /** Outcomes by the title of their row; those of the others are the row's own. */
  readonly departures: Readonly<Record<string, string>>;
}

const SPEAKS_3_1_1 = {
  "MQTT version": "works: 3.1.1",
  "request, answered on a private topic": "says so: NOT_SUPPORTED",
};
const NOT_SHARED = {
  "$share: each message to one of two servers": "says so: nothing comes",
};
const NO_QOS_2 = { "subscribe at QoS 0, 1 and 2": "says so: grants 0, 1, 1" };
const SYSTEM_REFUSED = { "publish to $SYS": "says so: REFUSED_BY_BROKER" };
const CREDENTIALS_NAMED = { "a wrong password is named": "works: BAD_CREDENTIALS" };

const USERS = { [LOGIN.username]: LOGIN.password };

const startAedesBoth: StartBroker = async ({ server }) => {
  await using stack = new AsyncDisposableStack();
  const plain = stack.use(await startAedes({ authenticate: LOGIN }));
  const secure = stack.use(await startAedes({ authenticate: LOGIN, tls: server }));
  const { imports } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const kept = stack.move();
  return {
    hostname: plain.hostname,
    port: plain.port,
    tlsPort: secure.port,
    version: imports.aedes.replace(/^.*@/, ""),
    username: LOGIN.username,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
};

const startMosquittoBoth: StartBroker = async (certificates) => {
  const broker = await startMosquitto({ users: USERS, certificates });
  const [, version = ""] = /version ([\d.]+)/.exec(broker.log.all.join("\n")) ?? [];
  const { hostname, ports } = broker;
  return {
    hostname,
    port: ports.tcp,
    tlsPort: ports.tls,
    version,
    username: LOGIN.username,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
};

/** See the module. */
export const KINDS: readonly BrokerKind[] = [
  {
    name: "Aedes",
    ignore: false,
    start: startAedesBoth,
    credentials: {},
    departures: { ...SPEAKS_3_1_1, ...NOT_SHARED, ...CREDENTIALS_NAMED },
  },
  {
    name: "Mosquitto",
    ignore: requireOrIgnore("mosquitto"),
    start: startMosquittoBoth,
    credentials: {},
    departures: SYSTEM_REFUSED,
  },
  {
    name: "Mosquitto, MQTT 3.1.1",
    ignore: requireOrIgnore("mosquitto"),
    start: startMosquittoBoth,
    credentials: { MQTT_VERSION: "3.1.1" },
    departures: SPEAKS_3_1_1,
  },
  {
    name: "RabbitMQ",
    ignore: requireOrIgnore("epmd") || (!requireAll() && !isFile(RABBITMQ)),
    start: startRabbitMq,
    credentials: {},
    departures: {
      ...SPEAKS_3_1_1,
      ...NOT_SHARED,
      ...NO_QOS_2,
      ...CREDENTIALS_NAMED,
      "publish at QoS 2": "says so: taken as QoS 1",
      "a dot in a topic name": "says so: comes as `/a/b`",
      "get_retained under a wildcard": "says so: none come",
      "subscribe under a wildcard returns stored values": "says so: none come",
      "list_topics: stored and live": "says so: live ones only",
    },
  },
  {
    name: "NATS",
    ignore: requireOrIgnore("nats-server"),
    start: startNats,
    credentials: {},
    departures: {
      ...SPEAKS_3_1_1,
      ...NOT_SHARED,
      ...NO_QOS_2,
      "publish at QoS 2": "says so: the broker closes the connection",
      "a dot in a topic name": "says so: REFUSED_BY_BROKER, OUTCOME_UNKNOWN",
      "a space in a topic name": "says so: REFUSED_BY_BROKER, OUTCOME_UNKNOWN",
    },
  },
  {
    name: "ejabberd",
    ignore: requireOrIgnore("ejabberdctl", "erl"),
    start: startEjabberd,
    credentials: {},
    departures: {
      ...SYSTEM_REFUSED,
      "$share: each message to one of two servers": "says so: BROKER_LIMIT",
    },
  },
  {
    name: "ejabberd, MQTT 3.1.1",
    ignore: requireOrIgnore("ejabberdctl", "erl"),
    start: startEjabberd,
    credentials: { MQTT_VERSION: "3.1.1" },
    departures: {
      ...SPEAKS_3_1_1,
      "$share: each message to one of two servers": "says so: CONNECTION_CLOSED",
    },
  },
];
