import { assert, assertLess } from "@std/assert";
import { open } from "../mqtt/open.ts";
import { amount, report } from "../faults/support.ts";
import { slopeOf } from "./slope.ts";

const EACH = amount(1_000, 300);
const ROUNDS = amount(6, 4);
/** KiB of heap a connection may leave behind. */
const MOST_KIB = 1;

/** Set by `--v8-flags=--expose-gc`, which the task gives. */
const { gc } = globalThis as { gc?: () => void };

/** A broker that keeps nothing of its clients: accepts, answers CONNECT, waits for DISCONNECT. */
async function serve(listener: Deno.TcpListener): Promise<void> {
  const clients: Promise<void>[] = [];
  for await (const client of listener) {
    clients.push((async () => {
      const buffer = new Uint8Array(500);
      await client.read(buffer);
      await client.write(Uint8Array.of(0x20, 3, 0, 0, 0));
      await client.read(buffer);
      client.close();
    })());
  }
  await Promise.all(clients);
}

Deno.test({
  name: "thousands of connections leave nothing behind in memory",
  ignore: gc === undefined,
  async fn() {
    assert(gc !== undefined);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = serve(listener);
    const heap: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < EACH; i++) {
        const connection = await open({ MQTT_PORT: listener.addr.port });
        await connection.close(100);
        assert(connection.failure !== undefined);
      }
      gc();
      heap.push(Deno.memoryUsage().heapUsed / 2 ** 20);
    }
    listener.close();
    await serving;
    // The first round warms up what every later one uses again.
    const kib = slopeOf(heap.slice(1)) * 1_024 / EACH;
    report(
      13,
      `${ROUNDS} x ${EACH} connects: heap after each ${EACH} ${
        heap.map((mib) => mib.toFixed(1)).join(", ")
      } MiB, slope ${kib.toFixed(3)} KiB a connect`,
    );
    assertLess(kib, MOST_KIB);
  },
});
