import { assertEquals } from "@std/assert";
import { CopyDetector } from "../../src/mqtt/copies.ts";
import { Random } from "../support/random.ts";
import { message } from "./messages.ts";

const permissions = "none";
const START = message("t", "").receivedAt;

/** Feeds payloads, `stepMs` apart, and gives those that are taken for no copies. */
function kept(
  payloads: readonly string[],
  subscriptions: number,
  stepMs = 0,
  detector = new CopyDetector(),
  start = START,
): string[] {
  const ids = Array.from({ length: subscriptions }, (_, index) => index + 1);
  return payloads.filter((payload, index) =>
    !detector.isCopy(message("t", payload, { receivedAt: start + index * stepMs }), ids)
  );
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
  name: "however long the batches are, each message counts once",
  permissions,
  fn() {
    const random = new Random(7);
    for (let round = 0; round < 200; round++) {
      const sent: string[] = [];
      let count = 0;
      for (let batches = 0; batches < 10; batches++) {
        const length = random.int(1, 12);
        const batch = Array.from({ length }, (_, index) => `${count + index}`);
        sent.push(...batch, ...batch, ...batch);
        count += length;
      }
      assertEquals(kept(sent, 3).length, count, `round ${round}: ${sent.join("")}`);
    }
  },
});

Deno.test({
  name: "another topic, another payload or a later moment is no copy",
  permissions,
  fn() {
    const detector = new CopyDetector();
    assertEquals(detector.isCopy(message("t", "a"), [1, 2]), false);
    assertEquals(detector.isCopy(message("u", "a"), [1, 2]), false);
    assertEquals(detector.isCopy(message("t", "ab"), [1, 2]), false);
    const later = message("t", "a", { receivedAt: START + 1_000 });
    assertEquals(detector.isCopy(later, [1, 2]), false);
  },
});

Deno.test({
  name: "a broker that was seen to send one copy only is believed, and equal messages all count",
  permissions,
  fn() {
    const detector = new CopyDetector();
    kept(["1", "2", "3", "4", "5"], 2, 200, detector);
    const equal = new Array(50).fill("same");
    assertEquals(kept(equal, 2, 1, detector, START + 2_000), equal);
  },
});

Deno.test({
  name: "a broker that was seen to send copies is given more time for them",
  permissions,
  fn() {
    const detector = new CopyDetector();
    kept(["1", "1", "2", "2", "3", "3", "4", "4"], 2, 60, detector);
    assertEquals(kept(["x", "x"], 2, 1_000, detector, START + 5_000), ["x"]);
  },
});

Deno.test({
  name: "messages from before a subscription is in force are no evidence",
  permissions,
  fn() {
    const detector = new CopyDetector();
    for (const [index, payload] of ["1", "2", "3", "4", "5"].entries()) {
      const early = message("t", payload, { receivedAt: START + index * 200 });
      assertEquals(detector.isCopy(early, [1, 2], false), false);
    }
    assertEquals(kept(["x", "x"], 2, 1, detector, START + 5_000), ["x"]);
  },
});
