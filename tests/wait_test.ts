import { assert, assertEquals, assertRejects } from "@std/assert";
import { MqttSmcpError } from "../src/errors.ts";
import { Listeners, Mutex, until, withDeadline } from "../src/wait.ts";
import { FakeClock, settle } from "./support/fake_clock.ts";

const permissions = "none";
const late = (): Error => new Error("late");

function isCancelled(error: unknown): boolean {
  return error instanceof MqttSmcpError && error.code === "CANCELLED";
}

Deno.test({
  name: "a wait ends at its callback and leaves neither timer nor listener behind",
  permissions,
  async fn() {
    const clock = new FakeClock();
    const listeners = new Listeners();
    let undone = 0;
    const waiting = until({ clock, ms: 100 }, (wake) => {
      const forget = listeners.add(wake);
      return () => {
        undone++;
        forget();
      };
    });
    assertEquals(clock.pending, 1);
    listeners.notify();
    listeners.notify();
    assertEquals(await waiting, true);
    assertEquals([clock.pending, undone], [0, 1]);
  },
});

Deno.test({
  name: "a wait ends by itself when its time is over, not before",
  permissions,
  async fn() {
    const clock = new FakeClock();
    let ended: boolean | undefined;
    let undone = 0;
    void until({ clock, ms: 100 }, () => () => undone++).then((value) => ended = value);
    await clock.advanceAsync(99);
    assertEquals(ended, undefined);
    await clock.advanceAsync(1);
    await settle();
    assertEquals([ended, undone], [false, 1]);
  },
});

Deno.test({
  name: "a wait that is woken while it is armed takes its listener away all the same",
  permissions,
  async fn() {
    const clock = new FakeClock();
    let undone = 0;
    const woken = until({ clock, ms: 100 }, (wake) => {
      wake();
      return () => undone++;
    });
    assertEquals(await woken, true);
    assertEquals([clock.pending, undone], [0, 1]);
  },
});

Deno.test({
  name: "a cancelled wait rejects, before it begins and in its middle, and cleans up",
  permissions,
  async fn() {
    const clock = new FakeClock();
    const abort = new AbortController();
    let [armed, undone] = [0, 0];
    const arm = () => {
      armed++;
      return () => undone++;
    };
    const waiting = until({ clock, ms: 100, signal: abort.signal }, arm);
    abort.abort();
    assert(isCancelled(await assertRejects(() => waiting)));
    const bound = { clock, ms: 100, signal: abort.signal };
    assert(isCancelled(await assertRejects(() => until(bound, arm))));
    assertEquals([armed, undone, clock.pending], [1, 1, 0]);
  },
});

Deno.test({
  name: "a promise under a deadline gives its value, its error, or the deadline's error",
  permissions,
  async fn() {
    const clock = new FakeClock();
    const bound = { clock, ms: 50 };
    assertEquals(await withDeadline(bound, Promise.resolve(7), late), 7);
    assertEquals(await withDeadline(bound, Promise.resolve(undefined), late), undefined);
    await assertRejects(
      () => withDeadline(bound, Promise.reject(new Error("own")), late),
      Error,
      "own",
    );
    const never = assertRejects(
      () => withDeadline(bound, new Promise(() => {}), late),
      Error,
      "late",
    );
    await clock.advanceAsync(50);
    await never;
    assertEquals(clock.pending, 0);
  },
});

Deno.test({
  name: "a promise behind an already cancelled deadline may still fail without harm",
  permissions,
  async fn() {
    const clock = new FakeClock();
    const failing = Promise.withResolvers<void>();
    const bound = { clock, ms: 50, signal: AbortSignal.abort() };
    assert(isCancelled(await assertRejects(() => withDeadline(bound, failing.promise, late))));
    // Without a handler this would end the process, and the test with it.
    failing.reject(new Error("nobody listens"));
    await settle();
  },
});

Deno.test({
  name: "a mutex lets one holder in at a time, in the order of asking",
  permissions,
  async fn() {
    const clock = new FakeClock();
    const mutex = new Mutex();
    const order: number[] = [];
    const first = await mutex.acquire({ clock, ms: 10 }, late);
    const others = [1, 2, 3].map(async (name) => {
      const release = await mutex.acquire({ clock, ms: 1_000 }, late);
      order.push(name);
      await settle();
      assertEquals(order.at(-1), name);
      release();
    });
    await settle();
    assertEquals(order, []);
    first();
    await Promise.all(others);
    assertEquals(order, [1, 2, 3]);
    assertEquals(clock.pending, 0);
  },
});

Deno.test({
  name: "a waiter that gives up passes its turn on, and not before it is its turn",
  permissions,
  async fn() {
    const clock = new FakeClock();
    const mutex = new Mutex();
    const abort = new AbortController();
    const first = await mutex.acquire({ clock, ms: 10 }, late);
    const cancelled = mutex.acquire({ clock, ms: 1_000, signal: abort.signal }, late);
    const timedOut = mutex.acquire({ clock, ms: 20 }, late);
    let entered = false;
    const last = mutex.acquire({ clock, ms: 1_000 }, late).then((release) => {
      entered = true;
      return release;
    });
    abort.abort();
    assert(isCancelled(await assertRejects(() => cancelled)));
    const failed = assertRejects(() => timedOut, Error, "late");
    await clock.advanceAsync(20);
    await failed;
    await settle();
    assertEquals(entered, false);
    first();
    (await last)();
    assertEquals(entered, true);
    (await mutex.acquire({ clock, ms: 10 }, late))();
  },
});

Deno.test({
  name: "releasing a mutex twice hands on one turn only",
  permissions,
  async fn() {
    const clock = new FakeClock();
    const mutex = new Mutex();
    const first = await mutex.acquire({ clock, ms: 10 }, late);
    const second = mutex.acquire({ clock, ms: 10 }, late);
    let third = false;
    const last = mutex.acquire({ clock, ms: 10 }, late).then((release) => {
      third = true;
      return release;
    });
    first();
    first();
    const release = await second;
    await settle();
    assertEquals(third, false);
    release();
    (await last)();
  },
});

Deno.test({
  name: "listeners are called together, and may come and go while they are",
  permissions,
  fn() {
    const listeners = new Listeners();
    const calls: string[] = [];
    const forgetB = listeners.add(() => {
      calls.push("b");
      listeners.add(() => calls.push("new"));
      forgetB();
    });
    listeners.add(() => calls.push("c"));
    listeners.notify();
    assertEquals(calls, ["b", "c"]);
    listeners.notify();
    assertEquals(calls, ["b", "c", "c", "new"]);
    new Listeners().notify();
  },
});
