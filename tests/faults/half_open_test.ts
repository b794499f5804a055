import { assertEquals, assertLess } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { startProxy } from "../support/proxy.ts";
import { credentialsFor, testEachKind } from "../support/server_process.ts";
import { PlainServer } from "./lines.ts";
import { amount, report } from "./support.ts";

const KEEPALIVE_S = amount(5, 2);

testEachKind(
  "a connection that goes silent is given up within 1.5 keep alives and a second",
  async (kind) => {
    await using broker = await startAedes();
    await using proxy = startProxy(broker.port);
    const credentials = credentialsFor(proxy, {
      MQTT_KEEPALIVE: KEEPALIVE_S,
      MQTT_VERSION: "3.1.1",
    });
    await using server = await PlainServer.start({ kind, credentials });
    assertEquals((await server.call("publish", { topic: "t", message: "m" })).success, true);
    assertEquals((await server.call("subscribe", { topic: "in/#", timeout: 0 })).success, true);
    const start = performance.now();
    proxy.stall();
    // A publish into the silence ends with the connection, not with its own patience.
    const pending = await server.call("publish", { topic: "t", message: "lost" });
    const seconds = (performance.now() - start) / 1_000;
    assertEquals([pending.success, pending["code"]], [false, "OUTCOME_UNKNOWN"]);
    report(
      8,
      `half-open connection (${kind}): noticed after ${seconds.toFixed(1)} s of at most ${
        1.5 * KEEPALIVE_S + 1
      }`,
    );
    assertLess(seconds, 1.5 * KEEPALIVE_S + 1);
    proxy.cut();
    proxy.resume();
    const { gaps } = await server.call("subscribe", { topic: "in/#", timeout: 0 });
    assertEquals((gaps as unknown[]).length, 1);
  },
);

testEachKind("an idle connection that goes silent is given up as well", async (kind) => {
  await using broker = await startAedes();
  await using proxy = startProxy(broker.port);
  const credentials = credentialsFor(proxy, { MQTT_KEEPALIVE: KEEPALIVE_S, MQTT_VERSION: "3.1.1" });
  await using server = await PlainServer.start({ kind, credentials });
  assertEquals((await server.call("publish", { topic: "t", message: "m" })).success, true);
  const start = performance.now();
  proxy.stall();
  for (;;) {
    const { connected } = await server.call("status", {});
    if (connected === false) break;
    const seconds = (performance.now() - start) / 1_000;
    assertLess(seconds, 1.5 * KEEPALIVE_S + 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const seconds = (performance.now() - start) / 1_000;
  report(8, `idle half-open connection (${kind}): noticed after ${seconds.toFixed(1)} s`);
  proxy.cut();
  proxy.resume();
}, { kinds: ["source"] });
