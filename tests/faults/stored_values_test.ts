import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import { credentialsFor } from "../support/server_process.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { PlainServer } from "./lines.ts";
import { amount, report } from "./support.ts";

const STORED = amount(20_000, 6_000);

for (const version of ["5", "3.1.1"]) {
  Deno.test({
    name: `a broker that leaves stored values out at QoS 1 is not believed, MQTT ${version}`,
    ignore: requireOrIgnore("mosquitto"),
    async fn() {
      // Its own default, past which it drops without a word.
      await using broker = await startMosquitto({
        verbose: false,
        config: ["max_queued_messages 1000", "max_inflight_messages 20"],
      });
      await using peer = await connectPeer(`mqtt://127.0.0.1:${broker.port}`);
      for (let i = 0; i < STORED;) {
        for (let n = 0; n < 1_000; n++, i++) {
          peer.client.publish(`r/${i}`, "x", { qos: 1, retain: true });
        }
        await peer.publish("done", "");
      }
      await using server = await PlainServer.start({
        credentials: credentialsFor(broker, { MQTT_VERSION: version }),
      });
      const read = () => server.call("get_retained", { topic: "r/#", timeout: 30 });
      const all = await read();
      assertEquals(Number(all["message_count"]) + Number(all["omitted"]), STORED);
      let answer = await server.call("subscribe", { topic: "r/#", qos: 1, timeout: 2 });
      assertStringIncludes(String(answer["note"]), "some brokers");
      let counted = 0;
      for (;;) {
        counted += Number(answer["message_count"]) + Number(answer["dropped"]);
        if (Number(answer["remaining"]) === 0) break;
        answer = await server.call("subscribe", { topic: "r/#", qos: 1, timeout: 0 });
      }
      const part = await read();
      const got = Number(part["message_count"]) + Number(part["omitted"]);
      report(
        12,
        `${STORED} stored at QoS 1, Mosquitto's own queue, MQTT ${version}: ${STORED} at QoS 0; ` +
          `at QoS 1 it sent ${counted}, and the answer says that some may be missing`,
      );
      assert(got < STORED, "the broker left nothing out");
      assertEquals(part["complete"], false);
      assertStringIncludes(String(part["note"]), "some brokers");
    },
  });
}
