import { assertEquals } from "@std/assert";
import { SequenceLog } from "../../src/mqtt/sequence_log.ts";
import { message } from "./messages.ts";

const permissions = "none";
const START = message("t", "").receivedAt;

/** What a message may cost: the binary search among 10,000, and little beside it. */
const MOST_STEPS_EACH = 40;

/** Feeds payloads, `stepMs` apart, as a detector does; gives how many were taken for copies. */
function feed(
  log: SequenceLog,
  payloads: readonly string[],
  { stepMs = 0, togetherMs = Infinity, subscriptions = 2 } = {},
): number {
  const ids = Array.from({ length: subscriptions }, (_, index) => index);
  return payloads.filter((payload, index) => {
    const receivedAt = START + index * stepMs;
    log.forget(receivedAt - 1_000);
    const it = message("t", payload, { receivedAt });
    return log.match(it, ids, receivedAt - togetherMs, true) !== undefined;
  }).length;
}

function assertLinear(log: SequenceLog, messages: number): void {
  const each = log.steps / messages;
  assertEquals(each > 0 && each <= MOST_STEPS_EACH, true, `${each} steps for each message`);
}

Deno.test({
  name: "20,000 equal messages take no more than a few steps each, copied or not",
  permissions,
  fn() {
    const equal = new Array<string>(20_000).fill("same");
    for (const stepMs of [0, 0.01, 0.1, 10, 100, 400]) {
      const log = new SequenceLog();
      feed(log, equal, { stepMs, togetherMs: 100 });
      assertLinear(log, equal.length);
    }
    // Behind a message without copies none of them can be one, as long as that is in the log.
    const log = new SequenceLog();
    assertEquals(feed(log, ["other", ...equal].slice(0, 10_000)), 0);
    feed(log, equal);
    assertLinear(log, 30_000);
  },
});

Deno.test({
  name: "batches of equal messages between others take few steps, and every copy is found",
  permissions,
  fn() {
    const batch = Array.from({ length: 8_000 }, (_, index) => {
      return index % 2 === 0 ? `${index}` : "same";
    });
    for (const subscriptions of [2, 3]) {
      const log = new SequenceLog();
      const arrivals = Array.from({ length: subscriptions }, () => batch).flat();
      assertEquals(feed(log, arrivals, { subscriptions }), batch.length * (subscriptions - 1));
      assertLinear(log, arrivals.length);
    }
  },
});

Deno.test({
  name: "long payloads that differ at their end only are told apart in few steps",
  permissions,
  fn() {
    const payloads = Array.from({ length: 5_000 }, (_, index) => {
      return `${"x".repeat(3_000)}${String(index).padStart(5, "0")}`;
    });
    const log = new SequenceLog();
    assertEquals(feed(log, [...payloads.slice(0, 2_000), ...payloads.slice(0, 2_000)]), 2_000);
    assertLinear(log, 4_000);
  },
});

Deno.test({
  name: "the newest message stays in the log, whatever its size",
  permissions,
  fn() {
    const log = new SequenceLog();
    const huge = message("t", new Uint8Array(20 * 1024 * 1024));
    const small = message("t", "small");
    assertEquals(log.match(small, [1, 2], START, true), undefined);
    assertEquals(log.match(huge, [1, 2], START, true), undefined);
    const gone = log.forget(START + 1);
    // The small one had to leave: it is not among those that left by age.
    assertEquals(gone.map((it) => it.message), [huge]);
    assertEquals(gone[0]?.wasEvicted, false);
  },
});

Deno.test({
  name: "a message is alone as long as no other that equals it is logged",
  permissions,
  fn() {
    const log = new SequenceLog();
    feed(log, ["a", "a", "b", "a", "a", "a"]);
    assertEquals(
      log.forget(START + 1).map(({ isAlone, copies }) => ({ isAlone, copies })),
      [{ isAlone: false, copies: 1 }, { isAlone: true, copies: 0 }, { isAlone: false, copies: 1 }, {
        isAlone: false,
        copies: 0,
      }],
    );
  },
});

Deno.test({
  name:
    "once a copied message has left, those that equal it have their place in the sequence again",
  permissions,
  fn() {
    const log = new SequenceLog();
    const taken = [[0, "a"], [0, "a"], [500, "a"], [1_100, "x"], [1_101, "a"], [
      1_102,
      "a",
    ]] as const;
    const copies = taken.map(([ms, payload]) => {
      const receivedAt = START + ms;
      log.forget(receivedAt - 1_000);
      const it = message("t", payload, { receivedAt });
      return log.match(it, [1, 2], receivedAt - 100, true) !== undefined;
    });
    // The last two are behind a message that has no copy yet.
    assertEquals(copies, [false, true, false, false, false, false]);
  },
});
