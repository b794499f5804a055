import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { startAedes } from "../support/aedes.ts";
import { startProxy } from "../support/proxy.ts";
import {
  obliging,
  type Script,
  type ScriptedConnection,
  startScriptedBroker,
} from "../support/scripted_broker.ts";
import { startClient } from "./client.ts";
import { publication } from "./publications.ts";
import type { RequestResult } from "./results.ts";

/** A broker's script on which a message waits that was there before any request. */
function withStaleState(options: Parameters<typeof obliging>[0] = {}): Script {
  return {
    async onPacket(packet, connection): Promise<void> {
      if (packet.cmd === "subscribe") await connection.send(publication("lamp/state", "stale"));
      await obliging(options).onPacket?.(packet, connection);
    },
  };
}

Deno.test("the subscription is confirmed before the request is published, and given up after it", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
    timeout: 0,
  });
  await broker.saw("unsubscribe");
  const sent = broker.packets.all.map(({ packet }) => packet.cmd)
    .filter((cmd) => ["subscribe", "publish", "unsubscribe"].includes(cmd));
  assertEquals(sent, ["subscribe", "publish", "unsubscribe"]);
});

Deno.test("what comes before the request is sent does not answer it", async () => {
  await using broker = startScriptedBroker(withStaleState());
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
    timeout: 0.3,
  });
  assertEquals([result.success, result.code], [false, "NO_ANSWER"]);
});

Deno.test("a request that was not sent has failed, whatever comes on its response topic", async () => {
  await using broker = startScriptedBroker(
    withStaleState({ connackProperties: { maximumPacketSize: 100 } }),
  );
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "x".repeat(200),
    response_topic: "lamp/state",
    timeout: 1,
  });
  assertEquals([result.success, result.code], [false, "BROKER_LIMIT"]);
});

Deno.test("a request that the broker refuses has failed at once", async () => {
  await using broker = startScriptedBroker(obliging({ publishCode: () => 0x87 }));
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
    timeout: 60,
  });
  assertEquals([result.success, result.code], [false, "REFUSED_BY_BROKER"]);
});

Deno.test("an answer counts although the broker never acknowledged the request", async () => {
  await using broker = startScriptedBroker({
    async onPacket(packet, connection: ScriptedConnection): Promise<void> {
      if (packet.cmd === "publish") await connection.send(publication("lamp/state", "on"));
      else await obliging().onPacket?.(packet, connection);
    },
  });
  await using client = await startClient(broker);
  const result = await client.do("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
  }) as RequestResult;
  assertEquals([result.response?.payload, result.acknowledged], ["on", false]);
});

Deno.test("an answer to a filter may carry correlation data of its own", async () => {
  await using broker = startScriptedBroker({
    async onPacket(packet, connection: ScriptedConnection): Promise<void> {
      await obliging().onPacket?.(packet, connection);
      if (packet.cmd !== "publish") return;
      const correlationData = packet.properties?.correlationData ?? Buffer.from("own");
      await connection.send(publication("lamp/state", "on", { correlationData }));
    },
  });
  await using client = await startClient(broker);
  const result = await client.do("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/+",
    timeout: 2,
  }) as RequestResult;
  assertEquals([result.response?.payload, result.response?.correlation_data], ["on", "own"]);
});

Deno.test("when the connection breaks before the acknowledgement, the outcome is unknown", async () => {
  await using broker = startScriptedBroker({
    async onPacket(packet, connection: ScriptedConnection): Promise<void> {
      if (packet.cmd === "publish") connection.drop();
      else await obliging().onPacket?.(packet, connection);
    },
  });
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
    timeout: 60,
  });
  assertEquals([result.success, result.code], [false, "OUTCOME_UNKNOWN"]);
});

Deno.test("an answer that comes after a broken connection is still received, or the break is told", async () => {
  await using broker = await startAedes();
  await using proxy = startProxy(broker.port);
  await using client = await startClient(proxy);
  const acknowledged = async (topic: string): Promise<void> => {
    const { messageId } = await proxy.saw("publish", (packet) => packet.topic === topic);
    await proxy.saw("puback", (packet) => packet.messageId === messageId);
    // Its acknowledgement comes after that one.
    await client.do("publish", { topic: "fence", message: "" });
  };
  const args = { message: "on", response_topic: "lamp/state" };
  const answered = client.do("request", { ...args, topic: "lamp/1", timeout: 30 });
  await acknowledged("lamp/1");
  await client.losing(() => proxy.cut());
  await client.connected();
  await broker.publish("lamp/state", "late");
  assertEquals((await answered as RequestResult).response?.payload, "late");

  const missed = client.call("request", { ...args, topic: "lamp/2", timeout: 0.5 });
  await acknowledged("lamp/2");
  await client.losing(() => proxy.cut());
  const { code, error } = await missed;
  assertEquals(code, "NO_ANSWER");
  assertMatch(error ?? "", /the broker acknowledged the message.*connection/);
});

Deno.test("a bad request names the argument that is wrong, and nothing is sent", async () => {
  await using broker = await startAedes();
  await using client = await startClient(broker);
  const bad: [Record<string, unknown>, string, RegExp][] = [
    [{ topic: "lamp/#" }, "INVALID_TOPIC", /^Cannot request from 'lamp\/#': .*wildcards/],
    [{ topic: "lamp/set", response_topic: "a/#/b" }, "INVALID_TOPIC", /'a\/#\/b'.*'#' must be/],
    [{ topic: "lamp/set", response_topic: "" }, "INVALID_TOPIC", /response_topic/],
    [{ topic: "lamp/set", response_topic: "lamp/set" }, "INVALID_TOPIC", /must differ/],
    [{ topic: "lamp/set", timeout: 301 }, "INVALID_ARGUMENT", /timeout must be/],
    [{ topic: "lamp/set", encoding: "hex" }, "INVALID_ARGUMENT", /encoding must be one of/],
    [{ topic: "lamp/set", message: "%", encoding: "base64" }, "INVALID_ARGUMENT", /base64/],
  ];
  for (const [args, code, error] of bad) {
    const result = await client.call("request", { message: "x", response_topic: "r", ...args });
    assertEquals([result.success, result.code], [false, code], JSON.stringify(args));
    assertMatch(result.error ?? "", error);
  }
  await client.do("publish", { topic: "fence", message: "x" });
  const sent = broker.packets.all.filter(({ packet }) =>
    packet.cmd === "publish" || packet.cmd === "subscribe"
  );
  assertEquals(sent.length, 1);
});

Deno.test("a response topic that the broker refuses is told, and nothing is published", async () => {
  await using broker = startScriptedBroker(obliging({ subscribeCode: () => 0x87 }));
  await using client = await startClient(broker);
  const result = await client.call("request", {
    topic: "lamp/set",
    message: "on",
    response_topic: "lamp/state",
  });
  assertEquals([result.success, result.code], [false, "REFUSED_BY_BROKER"]);
  assertStringIncludes(result.error ?? "", "subscription");
  const sent = broker.connections.all.flatMap(({ packets }) => packets.all.map(({ cmd }) => cmd));
  assertEquals(sent.includes("publish"), false);
});
