/** Nothing is lost on a broker that sends one copy, and what is withheld comes in time. */

import { assertEquals } from "@std/assert";
import { CopyDetector } from "../../src/mqtt/copies.ts";
import type { InboundMessage } from "../../src/mqtt/packets.ts";
import { Random } from "../support/random.ts";
import { message, textOf } from "./messages.ts";

const permissions = "none";
const START = message("t", "").receivedAt;

interface Arrival {
  readonly ms: number;
  readonly text: string;
  readonly topic?: string;
}

function arrival({ ms, text, topic = "t" }: Arrival): InboundMessage {
  return message(topic, text, { receivedAt: START + ms });
}

/** Feeds what came under two subscriptions; gives what is handed on. */
function feed(
  detector: CopyDetector,
  arrivals: readonly Arrival[],
  { subscriptions = [1, 2], certain = true } = {},
): InboundMessage[] {
  return arrivals.flatMap((it) => detector.admit(arrival(it), subscriptions, certain));
}

function sorted(messages: readonly InboundMessage[]): string[] {
  return messages.map((it) => `${it.receivedAt} ${it.topic} ${textOf(it)}`).toSorted();
}

/** Asserts that each came through exactly once, when all were settled. */
function assertNoneLost(arrivals: readonly Arrival[], certain = true): void {
  const detector = new CopyDetector();
  const got = feed(detector, arrivals, { certain });
  got.push(...detector.overdue(START + (arrivals.at(-1)?.ms ?? 0) + 1_001));
  assertEquals(sorted(got), sorted(arrivals.map(arrival)));
}

function every(ms: number, count: number, texts: readonly string[]): Arrival[] {
  return Array.from({ length: count }, (_, index) => {
    return { ms: index * ms, text: texts[index % texts.length] ?? "" };
  });
}

Deno.test({
  name: "one payload again and again from a broker that sends one copy is never lost",
  permissions,
  fn() {
    for (const ms of [1, 10, 30, 49, 50, 51, 99, 100, 101, 500]) {
      assertNoneLost(every(ms, 1_000, ["same"]));
    }
  },
});

Deno.test({
  name: "no more is withheld of a payload that is repeated than came in a second",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const got = feed(detector, every(10, 1_000, ["same"]));
    assertEquals(1_000 - got.length <= 51, true);
  },
});

Deno.test({
  name: "values that alternate from a broker that sends one copy are never lost",
  permissions,
  fn() {
    for (const ms of [1, 10, 25, 33, 49, 50, 90]) {
      assertNoneLost(every(ms, 1_000, ["ON", "OFF"]));
      assertNoneLost(every(ms, 1_000, ["1", "2", "3"]));
      const topics = every(ms, 1_000, ["same"]);
      assertNoneLost(topics.map((it, index) => ({ ...it, topic: index % 2 === 0 ? "a" : "b" })));
    }
  },
});

Deno.test({
  name: "few values in any order, never far apart, are not lost from a broker that sends one copy",
  permissions,
  fn() {
    const random = new Random(11);
    for (let round = 0; round < 200; round++) {
      const values = random.int(1, 4);
      let ms = 0;
      const arrivals = Array.from({ length: 400 }, () => {
        ms += random.int(0, 40);
        return { ms, text: `${random.int(1, values)}` };
      });
      // A value that comes twice in all looks like a copy.
      for (let value = 1; value <= values; value++) {
        for (let extra = 0; extra < 8; extra++) arrivals.push({ ms: ms += 20, text: `${value}` });
      }
      assertNoneLost(arrivals);
    }
  },
});

Deno.test({
  name: "where a subscription may not bring every message, repetitions show nothing of the broker",
  permissions,
  fn() {
    const pairs = Array.from({ length: 20 }, (_, index) => {
      return { ms: index * 30, text: `${index >> 1}` };
    });
    assertNoneLost(pairs, false);
    assertNoneLost(every(20, 500, ["same"]), false);
  },
});

Deno.test({
  name: "what was withheld comes with the next message, though only one subscription is left",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const got = feed(detector, every(10, 4, ["same"])).map(textOf);
    assertEquals(got, ["same", "same"]);
    const next = feed(detector, [{ ms: 1_031, text: "next" }], { subscriptions: [1] });
    assertEquals(next.map(textOf), ["same", "same", "next"]);
  },
});

Deno.test({
  name: "what is withheld is handed on when the connection is lost, unless it is likely a copy",
  permissions,
  fn() {
    const unknown = new CopyDetector();
    feed(unknown, every(10, 2, ["same"]));
    assertEquals(unknown.close().map(textOf), ["same"]);
    assertEquals(unknown.close(), []);
    const likely = new CopyDetector();
    feed(likely, [{ ms: 0, text: "a" }, { ms: 1, text: "a" }, { ms: 2_000, text: "b" }]);
    feed(likely, [{ ms: 2_001, text: "b" }]);
    assertEquals(likely.close(), []);
  },
});

Deno.test({
  name: "a likely copy waits for the verdict, and is dropped when the broker sends copies",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const arrivals = Array.from({ length: 12 }, (_, index) => {
      return { ms: (index >> 1) * 2_000 + index % 2, text: `${index >> 1}` };
    });
    assertEquals(feed(detector, arrivals).map(textOf), ["0", "1", "2", "3", "4", "5"]);
    assertEquals(detector.overdue(START + 60_000), []);
    assertEquals(detector.close(), []);
  },
});

Deno.test({
  name: "a pair that looks like copies does not make repetitions lost that come after it",
  permissions,
  fn() {
    const detector = new CopyDetector();
    feed(detector, [{ ms: 0, text: "pair" }, { ms: 1, text: "pair" }]);
    const same = every(30, 100, ["same"]).map(({ ms, text }) => ({ ms: ms + 2_000, text }));
    const got = feed(detector, same);
    got.push(...detector.overdue(START + 60_000));
    assertEquals(sorted(got), sorted(same.map(arrival)));
  },
});

Deno.test({
  name: "from a broker that sends copies, a payload that is never alone comes twice, not less",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const arrivals = every(100, 50, ["same"]).flatMap((it) => [it, it]);
    const got = feed(detector, arrivals);
    got.push(...detector.overdue(START + 60_000));
    assertEquals(got.length, 100);
  },
});

Deno.test({
  name: "past 10,000 withheld messages all of them are handed on, and the next one behind them",
  permissions,
  fn() {
    const detector = new CopyDetector();
    // Copies of half as many would all be withheld within the second.
    const arrivals = Array.from({ length: 20_002 }, (_, index) => {
      return { ms: index / 100, text: `${index >> 1}` };
    });
    const first = feed(detector, arrivals.slice(0, -1));
    assertEquals(first.length, 10_001);
    const last = feed(detector, arrivals.slice(-1));
    assertEquals(last.map(textOf), Array.from({ length: 10_001 }, (_, index) => `${index}`));
    assertEquals(detector.close(), []);
  },
});

Deno.test({
  name: "past 16 MiB of withheld payloads all of them are handed on too",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const large = new Uint8Array(4 * 1024 * 1024);
    const send = (number: number): number => {
      const payload = large.slice();
      payload[0] = number;
      return detector.admit(message("t", payload), [1, 2]).length;
    };
    const got = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5].map(send);
    assertEquals(got, [1, 0, 1, 0, 1, 0, 1, 0, 1, 5]);
  },
});

Deno.test({
  name: "what is no longer withheld leaves room",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const large = new Uint8Array(6 * 1024 * 1024);
    const got = Array.from({ length: 12 }, (_, index) => {
      const receivedAt = START + (index >> 2) * 1_100;
      return detector.admit(message("t", large, { receivedAt }), [1, 2]).length;
    });
    assertEquals(got, [1, 0, 1, 0, 3, 0, 1, 0, 3, 0, 1, 0]);
  },
});

Deno.test({
  name: "one payload larger than all that is remembered is told from its copy",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const huge = new Uint8Array(16 * 1024 * 1024 + 1);
    const later = message("t", "x", { receivedAt: START + 2_000 });
    assertEquals(detector.admit(message("t", huge), [1, 2]).length, 1);
    // Too large to be withheld; but its copy is counted, and shows no broker that sends one.
    assertEquals(detector.admit(message("t", huge), [1, 2]).length, 1);
    assertEquals(detector.admit(later, [1, 2]), [later]);
  },
});

Deno.test({
  name:
    "messages that had to leave the log early, and their late copies, show nothing of the broker",
  permissions,
  fn() {
    const detector = new CopyDetector();
    // Two copies of a batch larger than the log: no copy meets its message.
    const batch = Array.from({ length: 12_000 }, (_, index) => ({ ms: 0, text: `${index}` }));
    assertEquals(feed(detector, [...batch, ...batch]).length, 24_000);
    const after = feed(detector, [{ ms: 5_000, text: "a" }, { ms: 5_001, text: "a" }]);
    assertEquals(after.map(textOf), ["a"]);
  },
});
