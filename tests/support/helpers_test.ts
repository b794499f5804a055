import { assertEquals, assertRejects } from "@std/assert";
import { FakeClock } from "./fake_clock.ts";
import { Inbox } from "./inbox.ts";
import { Random } from "./random.ts";

Deno.test({
  name: "a fake clock runs due timers in order of time, then of setting",
  permissions: "none",
  fn() {
    const clock = new FakeClock(0);
    const ran: string[] = [];
    clock.after(20, () => ran.push(`late at ${clock.now()}`));
    clock.after(10, () => {
      ran.push(`early at ${clock.now()}`);
      clock.after(5, () => ran.push(`nested at ${clock.now()}`));
    });
    const cancel = clock.after(12, () => ran.push("cancelled"));
    clock.after(10, () => ran.push("second"));
    cancel();
    assertEquals(clock.pending, 3);
    clock.advance(20);
    assertEquals(ran, ["early at 10", "second", "nested at 15", "late at 20"]);
    assertEquals([clock.pending, clock.now()], [0, 20]);
  },
});

Deno.test({
  name: "a fake clock lets promises settle between timers",
  permissions: "none",
  async fn() {
    const clock = new FakeClock(0);
    const sleep = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
    const steps: number[] = [];
    void (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(10);
        steps.push(clock.now());
      }
    })();
    await clock.advanceAsync(30);
    assertEquals(steps, [10, 20, 30]);
  },
});

Deno.test({
  name: "an inbox hands out what came before and after the question, and fails once closed",
  permissions: "none",
  async fn() {
    const inbox = new Inbox<number>("number");
    inbox.put(1);
    assertEquals(await inbox.next(), 1);
    const next = inbox.next();
    const found = inbox.find((n) => n > 2);
    inbox.put(2);
    inbox.put(3);
    assertEquals([await next, await found, inbox.waiting], [2, 3, 1]);
    await assertRejects(() => inbox.find((n) => n > 9, 1), Error, "Cannot wait longer");
    inbox.close("over");
    assertEquals(await inbox.next(), 3);
    await assertRejects(() => inbox.next(), Error, "Cannot get the next number: over");
  },
});

Deno.test({
  name: "a seed gives the same values again",
  permissions: "none",
  fn() {
    const [a, b] = [new Random(7), new Random(7)];
    assertEquals(a.text(20), b.text(20));
    const bytes = a.bytes(100);
    const joined = a.chunks(bytes).flatMap((chunk) => [...chunk]);
    assertEquals(joined, [...bytes]);
  },
});
