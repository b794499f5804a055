import { assert, assertEquals } from "@std/assert";
import { Gaps } from "../../src/mqtt/gaps.ts";
import { Inbox, INBOX_BOUNDS } from "../../src/mqtt/inbox.ts";
import { message, textOf } from "./messages.ts";

const permissions = "none";
const WIDE = { messages: 1_000, bytes: 10_000_000 };

function inboxOf(...payloads: string[]): Inbox {
  const inbox = new Inbox(WIDE);
  for (const payload of payloads) inbox.push(message("t", payload));
  return inbox;
}

/** What a call would return: everything that waits, up to `most`. */
function takeAll(inbox: Inbox, most = Infinity): { payloads: string[]; dropped: number } {
  using reader = inbox.read();
  const waiting = reader.peek().slice(0, most);
  const { dropped } = reader.consume(waiting.length);
  return { payloads: waiting.map(textOf), dropped };
}

Deno.test({
  name: "each call begins where the last finished one had read to",
  permissions,
  fn() {
    const inbox = inboxOf("1", "2", "3");
    assertEquals(takeAll(inbox, 2), { payloads: ["1", "2"], dropped: 0 });
    assertEquals([inbox.pending, inbox.paging], [1, true]);
    inbox.push(message("t", "4"));
    assertEquals(takeAll(inbox), { payloads: ["3", "4"], dropped: 0 });
    assertEquals([inbox.pending, inbox.paging], [0, false]);
    assertEquals(takeAll(inbox), { payloads: [], dropped: 0 });
  },
});

Deno.test({
  name: "a call that ends without taking anything leaves all to the next",
  permissions,
  fn() {
    const inbox = inboxOf("1", "2");
    {
      using reader = inbox.read();
      assertEquals(reader.count, 2);
      assert(inbox.hasReaders);
    }
    assert(!inbox.hasReaders);
    assertEquals(takeAll(inbox).payloads, ["1", "2"]);
  },
});

Deno.test({
  name: "two calls that read at once both see every message, and the next call sees none again",
  permissions,
  fn() {
    const inbox = inboxOf("1", "2");
    using first = inbox.read();
    using second = inbox.read();
    assertEquals(first.peek().map(textOf), ["1", "2"]);
    first.consume(2);
    inbox.push(message("t", "3"));
    assertEquals(second.peek().map(textOf), ["1", "2", "3"]);
    second.consume(1);
    assertEquals(takeAll(inbox).payloads, ["3"]);
  },
});

Deno.test({
  name: "past the bound on messages the oldest are dropped and counted once",
  permissions,
  fn() {
    const inbox = new Inbox({ messages: 3, bytes: 1e9 });
    for (const payload of ["1", "2", "3", "4", "5"]) inbox.push(message("t", payload));
    assertEquals(inbox.dropped, 2);
    assertEquals(takeAll(inbox), { payloads: ["3", "4", "5"], dropped: 2 });
    assertEquals(takeAll(inbox), { payloads: [], dropped: 0 });
  },
});

Deno.test({
  name: "a message that some call has returned is not counted as dropped",
  permissions,
  fn() {
    const inbox = new Inbox({ messages: 3, bytes: 1e9 });
    for (const payload of ["1", "2", "3"]) inbox.push(message("t", payload));
    using slow = inbox.read();
    assertEquals(takeAll(inbox).payloads, ["1", "2", "3"]);
    for (const payload of ["4", "5", "6", "7"]) inbox.push(message("t", payload));
    assertEquals(inbox.dropped, 1);
    assertEquals(slow.peek().map(textOf), ["5", "6", "7"]);
  },
});

Deno.test({
  name: "the bound on bytes counts topics and payloads, and one message larger than it is kept",
  permissions,
  fn() {
    const inbox = new Inbox({ messages: 100, bytes: 1_000 });
    inbox.push(message("t", "a"));
    inbox.push(message("t", "x".repeat(5_000)));
    assertEquals([inbox.pending, inbox.dropped], [1, 1]);
    inbox.push(message("t", "b"));
    assertEquals([inbox.pending, inbox.dropped], [1, 2]);
    assertEquals(takeAll(inbox).payloads, ["b"]);
    for (let i = 0; i < 100; i++) inbox.push(message("long/topic".repeat(10), "c"));
    assert(inbox.pending <= 4, String(inbox.pending));
  },
});

Deno.test({
  name: "during a burst a stored copy of a message that nobody has got yet is left out",
  permissions,
  fn() {
    const inbox = inboxOf("live");
    const end = inbox.beginBurst();
    inbox.push(message("t", "live", { retain: true }));
    inbox.push(message("t", "other", { retain: true }));
    inbox.push(message("u", "live", { retain: true }));
    inbox.push(message("t", "other"));
    inbox.push(message("t", "other", { retain: true }));
    end();
    assertEquals(takeAll(inbox).payloads, ["live", "other", "live", "other"]);
  },
});

Deno.test({
  name: "a stored copy is not left out for a message that an earlier call returned",
  permissions,
  fn() {
    const inbox = inboxOf("v");
    assertEquals(takeAll(inbox).payloads, ["v"]);
    const end = inbox.beginBurst();
    inbox.push(message("t", "v", { retain: true }));
    end();
    assertEquals(takeAll(inbox).payloads, ["v"]);
  },
});

Deno.test({
  name: "live messages are never taken for copies, in a burst or out of it",
  permissions,
  fn() {
    const inbox = inboxOf("v", "v");
    const end = inbox.beginBurst();
    inbox.push(message("t", "v"));
    inbox.push(message("t", "v"));
    end();
    assertEquals(takeAll(inbox).payloads.length, 4);
  },
});

Deno.test({
  name: "bursts that overlap end with the last one, however often each is ended",
  permissions,
  fn() {
    const inbox = inboxOf("v");
    const endFirst = inbox.beginBurst();
    const endSecond = inbox.beginBurst();
    endFirst();
    endFirst();
    inbox.push(message("t", "v", { retain: true }));
    assertEquals(inbox.pending, 1);
    endSecond();
    inbox.push(message("t", "v", { retain: true }));
    assertEquals(inbox.pending, 2);
  },
});

Deno.test({
  name: "a call that takes all there is in the middle of a burst knows that more pages follow",
  permissions,
  fn() {
    const inbox = new Inbox(WIDE);
    const end = inbox.beginBurst();
    inbox.push(message("a", "1", { retain: true }));
    assertEquals(takeAll(inbox).payloads, ["1"]);
    inbox.push(message("b", "2", { retain: true }));
    end();
    // Else the next call would subscribe again, and the broker would send the first one again.
    assert(inbox.paging);
    assertEquals(takeAll(inbox).payloads, ["2"]);
    assert(!inbox.paging);
  },
});

Deno.test({
  name: "a burst that brings nothing after the call that took all leaves no page to be continued",
  permissions,
  fn() {
    const inbox = new Inbox(WIDE);
    const end = inbox.beginBurst();
    inbox.push(message("a", "1", { retain: true }));
    assertEquals(takeAll(inbox).payloads, ["1"]);
    end();
    inbox.push(message("b", "live"));
    assert(!inbox.paging);
  },
});

Deno.test({
  name: "waiting readers hear of messages, of a lost connection and of the end",
  permissions,
  fn() {
    const inbox = inboxOf();
    using reader = inbox.read();
    let heard = 0;
    const forget = reader.onChange(() => heard++);
    inbox.push(message("t", "1"));
    inbox.connectionLost(5);
    inbox.close();
    assertEquals([heard, inbox.closed], [3, true]);
    forget();
    inbox.push(message("t", "2"));
    assertEquals(heard, 3);
  },
});

Deno.test({
  name: "a gap that is still open is told now, and told again with its end",
  permissions,
  fn() {
    const inbox = inboxOf();
    inbox.connectionLost(10);
    inbox.connectionLost(15);
    using reader = inbox.read();
    assertEquals(reader.consume(0).gaps, [{ from: 10, to: null }]);
    inbox.restored(20);
    inbox.restored(25);
    assertEquals(reader.consume(0).gaps, [{ from: 10, to: 20 }]);
    assertEquals(reader.consume(0).gaps, []);
  },
});

Deno.test({
  name: "past 50 gaps the oldest become one that spans them, so that no time is forgotten",
  permissions,
  fn() {
    const gaps = new Gaps();
    for (let i = 0; i < 120; i++) {
      gaps.open(10 * i);
      if (i < 119) gaps.close(10 * i + 5);
    }
    assertEquals(gaps.all.length, 50);
    assertEquals(gaps.all[0], { from: 0, to: 10 * 70 + 5 });
    assertEquals(gaps.all[1], { from: 710, to: 715 });
    assertEquals(gaps.all.at(-1), { from: 1190, to: null });
    assertEquals(gaps.report().length, 50);
    assertEquals(gaps.report(), [{ from: 1190, to: null }]);
  },
});

Deno.test({
  name: "a full inbox takes further messages at a cost that does not grow with its length",
  permissions,
  fn() {
    const inbox = new Inbox(INBOX_BOUNDS);
    const it = message("t", "x");
    for (let i = 0; i < 300_000; i++) inbox.push(it);
    assertEquals([inbox.pending, inbox.dropped], [10_000, 290_000]);
  },
});
