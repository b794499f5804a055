import { assertEquals } from "@std/assert";
import { CopyDetector } from "../../src/mqtt/copies.ts";
import { Random } from "../support/random.ts";
import { message, textOf } from "./messages.ts";

const permissions = "none";
const START = message("t", "").receivedAt;

/** Feeds payloads, `stepMs` apart, and gives those that are handed on. */
function kept(
  payloads: readonly string[],
  subscriptions: number,
  stepMs = 0,
  detector = new CopyDetector(),
  start = START,
  certain = true,
): string[] {
  const ids = Array.from({ length: subscriptions }, (_, index) => index + 1);
  return payloads.flatMap((payload, index) => {
    const receivedAt = start + index * stepMs;
    return detector.admit(message("t", payload, { receivedAt }), ids, certain).map(textOf);
  });
}

/** A detector that has seen a broker send copies. */
function knowingCopies(subscriptions: number): CopyDetector {
  const detector = new CopyDetector();
  const shown = ["x", "y", "z"].flatMap((text) => new Array<string>(subscriptions).fill(text));
  assertEquals(kept(shown, subscriptions, 0, detector), ["x", "y", "z"]);
  return detector;
}

Deno.test({
  name: "with one matching subscription nothing is a copy",
  permissions,
  fn() {
    assertEquals(kept(["a", "a", "a"], 1), ["a", "a", "a"]);
    assertEquals(kept(["a", "a", "a"], 0), ["a", "a", "a"]);
  },
});

Deno.test({
  name: "copies that come back to back count once, equal messages among them too",
  permissions,
  fn() {
    assertEquals(kept(["a", "a", "a", "a", "a", "a"], 3), ["a", "a"]);
    assertEquals(kept(["a", "a", "b", "b", "b", "b", "c", "c"], 2), ["a", "b", "b", "c"]);
  },
});

Deno.test({
  name: "copies that come batch by batch count once",
  permissions,
  fn() {
    const batch = ["5", "same", "same", "6", "7", "8"];
    const rest = ["same", "9"];
    const sent = [...batch, ...batch, ...batch, ...rest, ...rest, ...rest];
    assertEquals(kept(sent, 3), [...batch, ...rest]);
  },
});

Deno.test({
  name: "in whatever turns the copies come, each message counts once, equal ones among them",
  permissions,
  fn() {
    const random = new Random(7);
    for (let round = 0; round < 1_000; round++) {
      const copies = random.int(2, 4);
      const values = random.int(1, 12);
      const sent = Array.from({ length: random.int(1, 40) }, () => `${random.int(1, values)}`);
      const arrivals = interleaved(sent, copies, random);
      const got = kept(arrivals, copies, 0.01, knowingCopies(copies), START + 2_000);
      assertEquals(got.toSorted(), sent.toSorted(), `round ${round}: ${arrivals.join(" ")}`);
    }
  },
});

/** The sequence several times over, each in order, taking turns of any length. */
function interleaved(sent: readonly string[], copies: number, random: Random): string[] {
  const arrivals: string[] = [];
  const next = new Array<number>(copies).fill(0);
  while (arrivals.length < sent.length * copies) {
    const turn = random.int(0, copies - 1);
    const from = next[turn] ?? 0;
    const to = Math.min(sent.length, from + random.int(1, 12));
    arrivals.push(...sent.slice(from, to));
    next[turn] = to;
  }
  return arrivals;
}

Deno.test({
  name: "another topic, another payload or a later moment is no copy",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const later = message("t", "a", { receivedAt: START + 1_000 });
    const others = [message("t", "a"), message("u", "a"), message("t", "ab"), later];
    for (const it of others) assertEquals(detector.admit(it, [1, 2]), [it]);
  },
});

Deno.test({
  name: "a message behind one without copies cannot be a copy, whatever the broker does",
  permissions,
  fn() {
    assertEquals(kept(["a", "same", "same", "end"], 2), ["a", "same", "same", "end"]);
  },
});

Deno.test({
  name: "a broker that was seen to send one copy only is believed, and equal messages all count",
  permissions,
  fn() {
    const detector = new CopyDetector();
    kept(["1", "2", "3", "4", "5"], 2, 600, detector);
    const equal = new Array<string>(50).fill("same");
    assertEquals(kept(equal, 2, 1, detector, START + 5_000), equal);
  },
});

Deno.test({
  name: "what was taken for a copy before the broker showed that it sends none is handed on then",
  permissions,
  fn() {
    const detector = new CopyDetector();
    assertEquals(kept(["on", "on"], 2, 1, detector), ["on"]);
    const single = ["1", "2", "3", "4", "5"];
    const got = kept(single, 2, 1_001, detector, START + 2_000);
    assertEquals(got.toSorted(), [...single, "on"].toSorted());
    const equal = new Array<string>(50).fill("same");
    assertEquals(kept(equal, 2, 1, detector, START + 20_000), equal);
  },
});

Deno.test({
  name: "a message that somebody repeats again and again does not make a broker send copies",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const equal = new Array<string>(40).fill("same");
    const first = kept(equal, 2, 1, detector);
    const later = kept(["1", "2", "3", "4", "5"], 2, 1_001, detector, START + 2_000);
    assertEquals([...first, ...later].length, equal.length + 5);
  },
});

Deno.test({
  name: "a broker that was seen to send copies is given more time for them",
  permissions,
  fn() {
    assertEquals(kept(["a", "a"], 2, 900, knowingCopies(2), START + 5_000), ["a"]);
    assertEquals(kept(["a", "a"], 2, 900), ["a", "a"]);
  },
});

Deno.test({
  name: "a copy that never comes costs neither its message nor later ones",
  permissions,
  fn() {
    const detector = knowingCopies(2);
    assertEquals(kept(["a", "b", "b"], 2, 0, detector, START + 2_000), ["a", "b", "b"]);
    assertEquals(kept(["c", "c", "a", "a"], 2, 0, detector, START + 4_000), ["c", "a"]);
  },
});

Deno.test({
  name: "a broker that leaves copies out for a while is believed again when it sends them",
  permissions,
  fn() {
    const detector = knowingCopies(2);
    const single = Array.from({ length: 20 }, (_, index) => `${index}`);
    assertEquals(kept(single, 2, 1_001, detector, START + 5_000), single);
    const twice = Array.from({ length: 20 }, (_, index) => `${index >> 1}`);
    const got = kept(twice, 2, 1, detector, START + 40_000);
    assertEquals([...new Set(got)].length, 10);
    assertEquals(kept(twice, 2, 1, detector, START + 50_000).length, 10);
  },
});

Deno.test({
  name: "messages from before a subscription is in force are no evidence",
  permissions,
  fn() {
    const detector = new CopyDetector();
    const early = ["1", "2", "3", "4", "5"];
    assertEquals(kept(early, 2, 200, detector, START, false), early);
    assertEquals(kept(["x", "x"], 2, 1, detector, START + 5_000), ["x"]);
  },
});

Deno.test({
  name: "many large messages are not all remembered",
  permissions,
  fn() {
    const detector = knowingCopies(2);
    const large = new Uint8Array(1024 * 1024);
    const send = (number: number): number => {
      const payload = large.slice();
      payload[0] = number;
      const receivedAt = START + 1;
      return detector.admit(message("t", payload, { receivedAt }), [1, 2]).length;
    };
    for (let number = 1; number <= 40; number++) assertEquals(send(number), 1);
    // Its copy comes too late to be told from a repetition.
    assertEquals(send(1), 1);
  },
});
