import { assert, assertEquals, assertRejects } from "@std/assert";
import { LastSeen } from "../src/mqtt/last_seen.ts";
import type { ListenSinks } from "../src/mqtt/subscription_calls.ts";
import type { Subscriptions } from "../src/mqtt/subscriptions.ts";
import { Policy } from "../src/policy.ts";
import { Resources } from "../src/resources.ts";
import { RpcError } from "../src/rpc_error.ts";
import type { ToolServices } from "../src/tools/tool.ts";
import { message } from "./mqtt/messages.ts";
import { FakeClock } from "./support/fake_clock.ts";

const permissions = "none";

const uriOf = (topic: string): string => `mqtt://broker/${topic}`;

/** Resources over subscriptions that a test drives by hand, on a clock that it moves. */
class Bench {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  readonly toldAt: number[] = [];
  readonly left: string[] = [];
  readonly sinks = new Map<string, ListenSinks>();
  readonly resources: Resources;
  readonly signal = new AbortController().signal;
  /** Set it to hold `listen` back. */
  answer: Promise<void> = Promise.resolve();

  constructor() {
    const subscriptions = {
      listen: async (filter: string, _qos: number, sinks: ListenSinks): Promise<() => void> => {
        await this.answer;
        this.sinks.set(filter, sinks);
        return () => void this.left.push(filter);
      },
    } as unknown as Subscriptions;
    const open = { readOnly: false, allowPublish: null, denyPublish: [], allowSubscribe: null };
    const services = {
      clock: this.clock,
      policy: new Policy({ ...open, denySubscribe: [] }),
      subscriptions,
      connect: () => Promise.reject(new Error("no connection")),
      maxResultChars: 45_000,
    } as unknown as ToolServices;
    this.resources = new Resources(services, new LastSeen());
  }

  subscribe(topic: string): Promise<void> {
    const notify = (uri: string): void => {
      this.told.push(uri);
      this.toldAt.push(this.clock.now());
    };
    return this.resources.subscribe(uriOf(topic), notify, this.signal);
  }

  change(topic: string): void {
    this.sinks.get(topic)?.live(message(topic, "x"));
  }
}

Deno.test({
  name: "changes of a topic are told at once, and then at most four times a second",
  permissions,
  async fn() {
    const bench = new Bench();
    await bench.subscribe("a");
    const start = bench.clock.now();
    for (let ms = 0; ms < 3_000; ms += 10) {
      bench.change("a");
      bench.clock.advance(10);
    }
    const times = bench.toldAt.map((time) => time - start);
    assert(times.length >= 12 && times.length <= 13, times.join());
    for (const time of times) {
      const inSecond = times.filter((it) => it >= time && it < time + 1_000);
      assert(inSecond.length <= 4, inSecond.join());
    }
  },
});

Deno.test({
  name: "the last change of many is told, and then there is silence",
  permissions,
  async fn() {
    const bench = new Bench();
    await bench.subscribe("a");
    bench.change("a");
    assertEquals(bench.told.length, 1);
    for (let i = 0; i < 100; i++) bench.change("a");
    assertEquals(bench.told.length, 1);
    bench.clock.advance(249);
    assertEquals(bench.told.length, 1);
    bench.clock.advance(1);
    assertEquals(bench.told.length, 2);
    bench.clock.advance(10_000);
    assertEquals([bench.told.length, bench.clock.pending], [2, 0]);
    bench.change("a");
    assertEquals(bench.told.length, 3);
  },
});

Deno.test({
  name: "each topic has its own pace",
  permissions,
  async fn() {
    const bench = new Bench();
    await bench.subscribe("a");
    await bench.subscribe("b");
    bench.change("a");
    bench.change("b");
    bench.change("a");
    assertEquals(bench.told, [uriOf("a"), uriOf("b")]);
    bench.clock.advance(250);
    assertEquals(bench.told, [uriOf("a"), uriOf("b"), uriOf("a")]);
  },
});

Deno.test({
  name: "nothing is told once the client has unsubscribed or gone, and no timer is left",
  permissions,
  async fn() {
    const bench = new Bench();
    for (const topic of ["a", "b"]) {
      await bench.subscribe(topic);
      bench.change(topic);
      bench.change(topic);
    }
    bench.resources.unsubscribe(uriOf("a"));
    bench.resources[Symbol.dispose]();
    assertEquals([bench.left, bench.clock.pending], [["a", "b"], 0]);
    bench.change("a");
    bench.change("b");
    bench.clock.advance(1_000);
    assertEquals(bench.told.length, 2);
  },
});

Deno.test({
  name: "a client that unsubscribes or goes while the broker is asked leaves nothing behind",
  permissions,
  async fn() {
    for (const leave of ["unsubscribe", "go"]) {
      const bench = new Bench();
      const asked = Promise.withResolvers<void>();
      bench.answer = asked.promise;
      const subscribing = bench.subscribe("a");
      if (leave === "go") bench.resources[Symbol.dispose]();
      else bench.resources.unsubscribe(uriOf("a"));
      asked.resolve();
      await subscribing;
      assertEquals(bench.left, ["a"]);
      bench.change("a");
      assertEquals([bench.told, bench.clock.pending], [[], 0]);
    }
  },
});

Deno.test({
  name: "a subscription that failed can be tried again",
  permissions,
  async fn() {
    const bench = new Bench();
    bench.answer = Promise.reject(new Error("secret detail"));
    const error = await assertRejects(() => bench.subscribe("a"), RpcError);
    assertEquals(error.message, "Cannot subscribe to 'a': an unexpected error in the server");
    bench.answer = Promise.resolve();
    await bench.subscribe("a");
    bench.change("a");
    assertEquals(bench.told, [uriOf("a")]);
  },
});
