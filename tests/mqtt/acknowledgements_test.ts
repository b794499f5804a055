import { assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { MqttSmcpError } from "../../src/errors.ts";
import { obliging, startScriptedBroker } from "../support/scripted_broker.ts";
import { bound, open, outbound } from "./open.ts";

Deno.test("the broker's receive maximum is held, and a caller's patience has an end", async () => {
  const acknowledge = Promise.withResolvers<void>();
  let [open_, most] = [0, 0];
  await using broker = startScriptedBroker({
    async onPacket(packet, it) {
      if (packet.cmd !== "publish") {
        const script = obliging({ connackProperties: { receiveMaximum: 2 } });
        return await script.onPacket?.(packet, it);
      }
      most = Math.max(most, ++open_);
      await acknowledge.promise;
      open_--;
      await it.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
    },
  });
  const connection = await open({ MQTT_PORT: broker.port });
  const calls = Array.from({ length: 20 }, () => connection.publish(outbound("t", 1), bound));
  const peer = await broker.connections.next();
  await peer.next("publish");
  await peer.next("publish");
  const impatient = await assertRejects(
    () => connection.publish(outbound("t", 1), { clock: systemClock, ms: 30 }),
    MqttSmcpError,
    "nothing was sent",
  );
  assertEquals(impatient.code, "BUSY");
  const abort = new AbortController();
  const cancelled = assertRejects(
    () => connection.publish(outbound("t", 1), { ...bound, signal: abort.signal }),
    MqttSmcpError,
    "cancelled",
  );
  abort.abort();
  await cancelled;
  acknowledge.resolve();
  await Promise.all(calls);
  assertEquals(most, 2);
  assertEquals(peer.packets.all.filter(({ cmd }) => cmd === "publish").length, 20);
  await connection.close(500);
});

Deno.test("a slot is held until the acknowledgement, not until the caller gives up", async () => {
  await using broker = startScriptedBroker(
    obliging({ publishCode: () => null, connackProperties: { receiveMaximum: 1 } }),
  );
  const connection = await open({ MQTT_PORT: broker.port });
  const short = { clock: systemClock, ms: 30 };
  const first = await assertRejects(
    () => connection.publish(outbound("t", 1), short),
    MqttSmcpError,
  );
  const second = await assertRejects(
    () => connection.publish(outbound("t", 1), short),
    MqttSmcpError,
  );
  assertEquals([first.code, second.code], ["OUTCOME_UNKNOWN", "BUSY"]);
  const peer = await broker.connections.next();
  const { messageId = 0 } = await peer.next("publish");
  await peer.send({ cmd: "puback", messageId, reasonCode: 0 });
  await connection.ping(bound);
  const third = await assertRejects(
    () => connection.publish(outbound("t", 1), short),
    MqttSmcpError,
  );
  assertEquals(third.code, "OUTCOME_UNKNOWN");
  await connection.close(100);
});

Deno.test("reason codes of acknowledgements arrive for QoS 1 and 2", async () => {
  for (const code of [0, 0x10, 0x80, 0x87, 0x97, 0x99]) {
    await using broker = startScriptedBroker(obliging({ publishCode: () => code }));
    const connection = await open({ MQTT_PORT: broker.port });
    for (const qos of [1, 2] as const) {
      const { reasonCode } = await connection.publish(outbound("t", qos), bound);
      assertEquals(reasonCode, code, `QoS ${qos}`);
    }
    // A refusal of one message is no reason to end the connection.
    assertEquals((await connection.publish(outbound("t", 1), bound)).reasonCode, code);
    assertEquals(connection.failure, undefined);
    await connection.close(500);
  }
});

Deno.test("a broker that answers QoS 2 by PUBACK took it as QoS 1", async () => {
  const script = obliging();
  await using broker = startScriptedBroker({
    onPacket: (packet, it) =>
      packet.cmd === "publish" && packet.topic === "down"
        ? it.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 })
        : script.onPacket?.(packet, it),
  });
  const connection = await open({ MQTT_PORT: broker.port }, { version: "3.1.1" });
  const taken: unknown[] = [];
  for (const [topic, qos] of [["t", 1], ["down", 2], ["t", 2], ["down", 1], ["t", 0]] as const) {
    const ack = await connection.publish({ ...outbound("t", qos), topic }, bound);
    taken.push([ack.qos, ack.reasonCode]);
  }
  assertEquals(taken, [[1, 0], [1, 0], [2, 0], [1, 0], [0, 0]]);
  await connection.close(500);
});

Deno.test("a refused subscription gives its code and leaves the connection alone", async () => {
  for (const [version, code] of [["5", 0x87], ["5", 0x8f], ["3.1.1", 0x80]] as const) {
    await using broker = startScriptedBroker(
      obliging({ subscribeCode: (filter, qos) => filter === "no" ? code : qos }),
    );
    const connection = await open({ MQTT_PORT: broker.port }, { version });
    assertEquals(await connection.subscribe({ filter: "no", qos: 1, id: 1 }, bound), code);
    assertEquals(await connection.subscribe({ filter: "yes", qos: 2, id: 2 }, bound), 2);
    assertEquals(connection.failure, undefined);
    await connection.close(500);
  }
});
