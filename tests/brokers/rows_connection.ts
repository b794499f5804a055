/**
 * Connecting: the version, TLS, a wrong password, and a connection that breaks.
 *
 * @module
 */

import { assert, assertEquals, assertExists, assertMatch } from "@std/assert";
import { Client, payloadsOf } from "../tools/client.ts";
import { dataOf, Wire } from "../support/wire.ts";
import { behindProxy, type Row, type Stage, WORKS } from "./stage.ts";

/** See the module. */
export const CONNECTION_ROWS: readonly Row[] = [
  { title: "MQTT version", usual: `${WORKS}: 5`, run: version },
  { title: "TLS, and an unknown authority refused", run: tls },
  { title: "a wrong password is named", usual: `${WORKS}: NOT_AUTHORIZED`, run: wrongPassword },
  { title: "after a broken connection: the gap told, the subscription restored", run: reconnect },
];

async function version({ broker, credentials, topic }: Stage): Promise<string> {
  await using wire = new Wire(broker, { ...credentials, LOG_LEVEL: "ERROR" });
  await wire.begin();
  const published = await wire.call(1, "publish", { topic, message: "hello" });
  assertEquals(dataOf(published).success, true);
  return `${WORKS}: ${dataOf(await wire.call(2, "status")).mqtt_version}`;
}

async function tls({ broker, credentials, ca, topic }: Stage): Promise<string> {
  const secure = { ...credentials, MQTT_PORT: broker.tlsPort, MQTT_TLS: true };
  await using trusting = new Client({ ...secure, MQTT_CA: ca });
  await trusting.do("publish", { topic, message: "hello" });
  await using doubting = new Client(secure);
  assertEquals((await doubting.call("publish", { topic, message: "x" })).code, "TLS_UNTRUSTED");
  return WORKS;
}

async function wrongPassword({ credentials, topic }: Stage): Promise<string> {
  const password = "not-the-password";
  await using client = new Client({ ...credentials, MQTT_PASS: password });
  const result = await client.call("publish", { topic, message: "x" });
  assertEquals(result.success, false);
  assert(!JSON.stringify(result).includes(password));
  assertMatch(`${result.error} ${result.hint}`, /password|MQTT_PASS/);
  assertExists(result.code);
  return `${WORKS}: ${result.code}`;
}

async function reconnect(stage: Stage): Promise<string> {
  const { peer, topic } = stage;
  await using line = await behindProxy(stage);
  const { client, proxy } = line;
  await client.do("subscribe", { topic, timeout: 0 });
  await peer.publish(topic, "before");
  assertEquals(
    payloadsOf(await client.do("subscribe", { topic, timeout: 5, max_messages: 1 })),
    ["before"],
  );
  const subscribed = (): number =>
    proxy.packets.all.filter(({ packet }) => packet.cmd === "suback").length;
  const soFar = subscribed();
  await client.losing(() => proxy.cut());
  await proxy.packets.find(() => subscribed() > soFar);
  await peer.publish(topic, "after");
  const result = await client.do("subscribe", { topic, timeout: 5, max_messages: 1 });
  assertEquals(payloadsOf(result), ["after"]);
  assertEquals(result.gaps.map(({ to }) => to === null), [false]);
  return WORKS;
}
