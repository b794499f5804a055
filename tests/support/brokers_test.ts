import { assert, assertEquals, assertRejects } from "@std/assert";
import mqtt from "mqtt";
import { startAedes } from "./aedes.ts";
import { makeCertificates } from "./certificates.ts";
import { startMosquitto } from "./mosquitto.ts";
import { connectPeer as connect } from "./mqtt_client.ts";
import { startProxy } from "./proxy.ts";
import { obliging, startScriptedBroker } from "./scripted_broker.ts";
import { requireOrIgnore } from "./tools.ts";

Deno.test("Aedes serves tcp, tls, ws and wss, and sees the client's packets", async () => {
  await using certificates = await makeCertificates();
  const { server: tls, ca } = certificates;
  for (
    const [scheme, options] of [
      ["mqtt", {}],
      ["mqtts", { tls }],
      ["ws", { wsPath: "/mqtt" }],
      ["wss", { tls, wsPath: "/mqtt" }],
    ] as const
  ) {
    await using broker = await startAedes({
      ...options,
      authenticate: { username: "u", password: "p" },
    });
    const url = `${scheme}://localhost:${broker.port}/mqtt`;
    const login = { username: "u", password: "p", ca: ca.cert };
    await assertRejects(() => connect(url, { ...login, password: "wrong" }));
    await using connection = await connect(url, { ...login, clientId: "one" });
    assertEquals(broker.clientIds, ["one"]);
    await connection.client.publishAsync("a/b", "x", { qos: 1 });
    assertEquals((await broker.saw("publish")).topic, "a/b");
    await connection.client.endAsync();
    await broker.saw("disconnect");
  }
});

Deno.test("Aedes keeps its port and what it retained over stop and start", async () => {
  await using broker = await startAedes();
  const { port } = broker;
  await broker.publish("kept", "v", { retain: true });
  await broker.stop();
  await assertRejects(() => connect(`mqtt://127.0.0.1:${port}`));
  await broker.start();
  assertEquals(broker.port, port);
  await using connection = await connect(`mqtt://127.0.0.1:${port}`);
  const message = Promise.withResolvers<string>();
  connection.client.on("message", (_topic, payload) => message.resolve(payload.toString()));
  broker.onSubscribe = (filter) => filter === "no" ? "refuse" : "accept";
  const refused = await connection.client.subscribeAsync("no").catch((error) => String(error));
  assert(JSON.stringify(refused).includes("128") || String(refused).includes("Unspecified"));
  await connection.client.subscribeAsync("kept");
  assertEquals(await message.promise, "v");
  const closed = new Promise<void>((resolve) => connection.client.once("close", () => resolve()));
  broker.kill();
  await closed;
});

Deno.test({
  name: "Mosquitto serves all five listeners, checks passwords and restarts on the same ports",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using certificates = await makeCertificates();
    await using broker = await startMosquitto({
      websockets: true,
      certificates,
      users: { u: "p" },
      persist: true,
    });
    const { ca, client: device } = certificates;
    const login = { username: "u", password: "p", ca: ca.cert, protocolVersion: 5 } as const;
    const { ports } = broker;
    for (
      const [url, options] of [
        [`mqtt://127.0.0.1:${ports.tcp}`, {}],
        [`mqtts://127.0.0.1:${ports.tls}`, {}],
        [`mqtts://127.0.0.1:${ports.mutualTls}`, { cert: device.cert, key: device.key }],
        [`ws://127.0.0.1:${ports.ws}/mqtt`, {}],
        [`wss://127.0.0.1:${ports.wss}/mqtt`, {}],
      ] as const
    ) {
      await using connection = await connect(url, { ...login, ...options });
      await connection.client.publishAsync("a", "x", { qos: 1, retain: true });
    }
    const url = `mqtt://127.0.0.1:${ports.tcp}`;
    await assertRejects(
      () => connect(url, { ...login, password: "wrong" }),
      Error,
      "Not authorized",
    );
    await broker.restart();
    await using connection = await connect(url, login);
    const message = new Promise((resolve) => connection.client.once("message", resolve));
    await connection.client.subscribeAsync("a");
    assertEquals(await message, "a");
    await broker.log.find((line) => line.includes("Received SUBSCRIBE"));
  },
});

Deno.test("a scripted broker answers with the properties and codes it is given", async () => {
  await using broker = startScriptedBroker(obliging({
    connackProperties: { maximumPacketSize: 1000, retainAvailable: false },
    publishCode: (topic) => topic === "none" ? 0x10 : 0x87,
  }));
  const client = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
  });
  client.on("error", () => {});
  const [connack] = await new Promise<[mqtt.IConnackPacket]>((resolve) =>
    client.once("connect", (packet) => resolve([packet]))
  );
  assertEquals(connack.properties?.maximumPacketSize, 1000);
  await assertRejects(() => client.publishAsync("a", "b", { qos: 1 }), Error, "Not authorized");
  const connection = await broker.connections.next();
  assertEquals((await connection.next("publish")).topic, "a");
  await client.endAsync();
  await connection.next("disconnect");
  await connection.ended;
});

Deno.test("a proxy watches, stalls and cuts a connection", async () => {
  await using broker = await startAedes();
  await using proxy = startProxy(broker.port);
  await using connection = await connect(`mqtt://127.0.0.1:${proxy.port}`);
  await connection.client.publishAsync("a", "b", { qos: 1 });
  await proxy.saw("puback");
  proxy.stall();
  const published = connection.client.publishAsync("c", "d", { qos: 1 });
  await connection.client.publishAsync("e", "f", { qos: 0 });
  assertEquals(broker.packets.all.filter(({ packet }) => packet.cmd === "publish").length, 1);
  proxy.resume();
  await published;
  assertEquals(proxy.connections, 1);
  const closed = new Promise<void>((resolve) => connection.client.once("close", () => resolve()));
  proxy.cut();
  await closed;
});
