import { assertEquals } from "@std/assert";
import { Logger } from "../../src/log.ts";
import type { Connection } from "../../src/mqtt/connection.ts";
import { defaultLimits } from "../../src/mqtt/limits.ts";
import { Subscriptions } from "../../src/mqtt/subscriptions.ts";
import { MemoryWriter } from "../support/byte_streams.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { message, textOf } from "./messages.ts";

Deno.test({
  name: "a subscribe call finds what was withheld, though nothing came since",
  permissions: "none",
  async fn() {
    const clock = new FakeClock();
    const log = new Logger({ sink: new MemoryWriter(), level: "ERROR", clock });
    const subscriptions = new Subscriptions({ clock, log, mayDeliver: () => true });
    // A broker whose SUBACK is long in coming: messages may come before it.
    const connection = {
      limits: defaultLimits(false),
      subscribe: () => new Promise<never>(() => {}),
    } as unknown as Connection;
    await subscriptions.connected(connection);
    const connect = () => Promise.resolve(connection);
    const stand = async (filter: string): Promise<void> => {
      const request = { filter, qos: 0, includeRetained: false } as const;
      void subscriptions.stand(request, connect, { clock, ms: 600_000 });
      await settle();
    };
    const held = (): (string[] | undefined)[] =>
      subscriptions.standing().map(({ inbox }) => {
        using reader = inbox?.read();
        return reader?.peek().map(textOf);
      });
    await stand("x/#");
    await stand("x/+");
    for (let i = 0; i < 2; i++) {
      subscriptions.received(message("x/1", "same", { receivedAt: clock.now() }));
    }
    assertEquals(held(), [["same"], ["same"]]);
    clock.advance(1_001);
    await stand("y");
    assertEquals(held(), [["same", "same"], ["same", "same"], []]);
  },
});
