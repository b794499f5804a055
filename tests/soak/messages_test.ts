import { assertEquals, assertLess } from "@std/assert";
import { PlainServer } from "../faults/lines.ts";
import { amount, report, residentMiB } from "../faults/support.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer, type MqttPeer } from "../support/mqtt_client.ts";
import { credentialsFor, type ServerKind, testEachKind } from "../support/server_process.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { slopeOf } from "./slope.ts";

/** Environment variable with the number of messages received; in steps of 10,000. */
const MESSAGES_VARIABLE = "SOAK_MESSAGES";

const MESSAGES = Number(Deno.env.get(MESSAGES_VARIABLE) ?? amount(1_000_000, 50_000));
const WARM_UP = amount(300_000, 50_000);
const PUBLISHES = amount(100_000, 5_000);
const WARM_UP_PUBLISHES = amount(100_000, 25_000);
const PAYLOAD_BYTES = 100;
const PORTION = 1_000;
const SAMPLES = 10;
/** MiB of resident memory that may be added after the warm-up, to the binary. */
const MOST_MIB = 10;
/** The same from source, where V8 is not told to keep its heap small. */
const MOST_MIB_FROM_SOURCE = amount(30, 60);
/** MiB that the process may have in all. */
const MOST_RESIDENT_MIB = 300;

/** The worker from source, as the binary has it, and the binary. */
const KINDS: readonly ServerKind[] = ["worker", "compiled"];
const options = { kinds: KINDS, ignore: requireOrIgnore("mosquitto") };

/** Checks the slope and the most of some samples, taken every `step` messages. */
function assertFlat(
  kind: ServerKind,
  what: string,
  memory: readonly number[],
  step: number,
): void {
  const most = kind === "compiled" ? MOST_MIB : MOST_MIB_FROM_SOURCE;
  const slope = slopeOf(memory);
  const growth = slope * SAMPLES;
  report(
    13,
    `${what}; memory after warm-up ${memory.join(", ")} MiB, slope ${
      (slope * 100_000 / step).toFixed(2)
    } MiB for 100,000 messages, ${growth.toFixed(1)} MiB in all (bound ${most})`,
  );
  assertLess(growth, most, what);
  assertLess(Math.max(...memory), MOST_RESIDENT_MIB, what);
}

testEachKind(
  "no message is lost uncounted, doubled or reordered, and memory is flat",
  async (kind) => {
    await using broker = await startMosquitto({ verbose: false });
    await using peer = await connectPeer(`mqtt://127.0.0.1:${broker.port}`);
    await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
    const flow = new Flow(peer, server);
    await flow.begin();
    await flow.pass(WARM_UP);
    const memory: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      await flow.pass(MESSAGES / SAMPLES);
      memory.push(await residentMiB(server.pid) ?? 0);
    }
    const { received, dropped } = flow;
    assertEquals(received + dropped, WARM_UP + MESSAGES);
    assertFlat(
      kind,
      `${MESSAGES} messages of ${PAYLOAD_BYTES} B received (${kind}), ${dropped} dropped and counted`,
      memory,
      MESSAGES / SAMPLES,
    );
  },
  options,
);

testEachKind("publishes by the hundred thousand leave nothing behind in memory", async (kind) => {
  await using broker = await startMosquitto({ verbose: false });
  await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
  const message = "x".repeat(PAYLOAD_BYTES);
  const publish = async (count: number) => {
    for (let sent = 0; sent < count; sent += 50) {
      const calls = Array.from(
        { length: 50 },
        () => server.call("publish", { topic: "soak/x", message }),
      );
      for (const { success } of await Promise.all(calls)) assertEquals(success, true);
    }
  };
  await publish(WARM_UP_PUBLISHES);
  const memory: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    await publish(PUBLISHES / SAMPLES);
    memory.push(await residentMiB(server.pid) ?? 0);
  }
  assertFlat(kind, `${PUBLISHES} publishes through MCP (${kind})`, memory, PUBLISHES / SAMPLES);
}, options);

/** Messages on their way from a peer to the server's subscription, each with its number. */
class Flow {
  received = 0;
  dropped = 0;
  readonly #peer: MqttPeer;
  readonly #server: PlainServer;
  #sent = 0;
  /** Number of the newest message that was read. */
  #last = -1;

  constructor(peer: MqttPeer, server: PlainServer) {
    this.#peer = peer;
    this.#server = server;
  }

  async begin(): Promise<void> {
    await this.#take();
  }

  /** Sends `count` messages, and reads until each is either read or counted as dropped. */
  async pass(count: number): Promise<void> {
    for (const end = this.#sent + count; this.#sent < end;) {
      for (let n = 0; n < PORTION; n++) {
        const payload = String(this.#sent++).padStart(PAYLOAD_BYTES, ".");
        this.#peer.client.publish("soak/x", payload, { qos: 1 });
      }
      // The acknowledgement says that the broker has taken all before it.
      await this.#peer.publish("done", "");
      while (this.received + this.dropped < this.#sent) await this.#take();
    }
  }

  async #take(): Promise<void> {
    const { success, messages, dropped } = await this.#server.call("subscribe", {
      topic: "soak/#",
      timeout: 0,
      include_retained: false,
    });
    assertEquals(success, true);
    const before = this.#last;
    for (const { payload } of messages as { payload: string }[]) {
      const number = Number(payload.replaceAll(".", ""));
      assertLess(this.#last, number, "out of order, or twice");
      this.#last = number;
      this.received++;
    }
    this.dropped += Number(dropped);
    // What is missing in the row is what was counted.
    const missing = this.#last - before - (messages as unknown[]).length;
    assertEquals(missing <= Number(dropped), true, `${missing} missing, ${dropped} counted`);
  }
}
