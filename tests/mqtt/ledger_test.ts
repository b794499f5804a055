import { assertEquals, assertStrictEquals } from "@std/assert";
import { Inbox, INBOX_BOUNDS } from "../../src/mqtt/inbox.ts";
import { type Entry, Ledger } from "../../src/mqtt/ledger.ts";
import { message, textOf } from "./messages.ts";

const permissions = "none";

/** A standing subscription whose SUBACK is in. */
function stand(ledger: Ledger, filter: string): Entry {
  const entry = ledger.open(filter);
  entry.inbox = new Inbox(INBOX_BOUNDS);
  entry.granted = 1;
  entry.mayStand = true;
  return entry;
}

function payloadsIn(entry: Entry): string[] {
  using reader = entry.inbox?.read();
  return reader?.peek().map(textOf) ?? [];
}

Deno.test({
  name: "a filter has one entry until nobody uses it and nothing stands on it",
  permissions,
  fn() {
    const ledger = new Ledger();
    const entry = ledger.open("a/#");
    assertStrictEquals(ledger.open("a/#"), entry);
    entry.users = 1;
    ledger.release(entry);
    assertStrictEquals(ledger.find("a/#"), entry);
    entry.users = 0;
    entry.inbox = new Inbox(INBOX_BOUNDS);
    ledger.release(entry);
    assertEquals(ledger.standing(), [entry]);
    entry.inbox = null;
    ledger.release(entry);
    assertEquals(ledger.find("a/#"), undefined);
    ledger.route(message("a/b", "x", { subscriptionIds: [entry.id] }));
    assertEquals(ledger.open("a/#").id === entry.id, false);
  },
});

Deno.test({
  name: "with identifiers a message goes to the subscriptions named, and to no other",
  permissions,
  fn() {
    const ledger = new Ledger();
    const [a, b] = [stand(ledger, "x/#"), stand(ledger, "x/+")];
    ledger.route(message("x/1", "for a", { subscriptionIds: [a.id] }));
    ledger.route(message("x/1", "for b", { subscriptionIds: [b.id] }));
    ledger.route(message("x/1", "for both", { subscriptionIds: [a.id, b.id] }));
    ledger.route(message("x/1", "for nobody", { subscriptionIds: [999] }));
    assertEquals(payloadsIn(a), ["for a", "for both"]);
    assertEquals(payloadsIn(b), ["for b", "for both"]);
  },
});

Deno.test({
  name: "without identifiers a message goes to every matching subscription once",
  permissions,
  fn() {
    const ledger = new Ledger();
    const [a, b, other] = ["x/#", "x/+", "y"].map((filter) => stand(ledger, filter));
    for (let i = 0; i < 3; i++) {
      for (let copy = 0; copy < 2; copy++) ledger.route(message("x/1", String(i)));
    }
    assertEquals(payloadsIn(a as Entry), ["0", "1", "2"]);
    assertEquals(payloadsIn(b as Entry), ["0", "1", "2"]);
    assertEquals(payloadsIn(other as Entry), []);
  },
});

Deno.test({
  name: "a shared subscription is matched by the filter behind its group",
  permissions,
  fn() {
    const ledger = new Ledger();
    const shared = stand(ledger, "$share/g/x/#");
    assertEquals([shared.shared, shared.matched], [true, "x/#"]);
    ledger.route(message("x/1", "v"));
    assertEquals(payloadsIn(shared), ["v"]);
  },
});

Deno.test({
  name: "a stored message goes to who asked for it, and not to a standing inbox beside it",
  permissions,
  fn() {
    const ledger = new Ledger();
    const [wide, exact] = [stand(ledger, "x/#"), ledger.open("x/1")];
    const got: string[] = [];
    exact.retainedSinks.add((it) => got.push(textOf(it)));
    ledger.route(message("x/1", "stored", { retain: true }));
    assertEquals(got, ["stored"]);
    assertEquals(payloadsIn(wide), []);
  },
});

Deno.test({
  name: "a stored message that comes late goes to the standing subscription that wants such",
  permissions,
  fn() {
    const ledger = new Ledger();
    const [wants, not] = [stand(ledger, "x/#"), stand(ledger, "x/+")];
    not.wantsRetained = false;
    ledger.route(message("x/1", "late", { retain: true }));
    assertEquals([payloadsIn(wants), payloadsIn(not)], [["late"], []]);
  },
});

Deno.test({
  name: "with the connection every grant is gone and every inbox has a gap",
  permissions,
  fn() {
    const ledger = new Ledger();
    const entry = stand(ledger, "x");
    ledger.connectionLost(42);
    assertEquals(entry.granted, null);
    assertEquals(entry.inbox?.gaps, [{ from: 42, to: null }]);
    assertEquals(ledger.lasting(), [entry]);
  },
});

Deno.test({
  name: "a message that may be a copy is handed on in time to who stands for its topic then",
  permissions,
  fn() {
    const ledger = new Ledger();
    const [a, b] = [stand(ledger, "x/#"), stand(ledger, "x/+")];
    const { receivedAt } = message("x/1", "same");
    for (let i = 0; i < 2; i++) ledger.route(message("x/1", "same"));
    b.inbox = null;
    ledger.release(b);
    const late = stand(ledger, "x/1");
    ledger.settle(receivedAt + 500);
    assertEquals([payloadsIn(a), payloadsIn(late)], [["same"], []]);
    const c = stand(ledger, "+/1");
    ledger.connectionLost(receivedAt + 600);
    assertEquals([payloadsIn(a), payloadsIn(late)], [["same", "same"], ["same"]]);
    assertEquals(payloadsIn(c), ["same"]);
    ledger.settle(receivedAt + 5_000);
    assertEquals(payloadsIn(a).length, 2);
  },
});

Deno.test({
  name: "who reads a second later finds what was withheld",
  permissions,
  fn() {
    const ledger = new Ledger();
    const [a, b] = [stand(ledger, "x/#"), stand(ledger, "x/+")];
    const { receivedAt } = message("x/1", "same");
    for (let i = 0; i < 4; i++) ledger.route(message("x/1", "same"));
    assertEquals(payloadsIn(a).length, 2);
    ledger.settle(receivedAt + 1_000);
    assertEquals(payloadsIn(a).length, 2);
    ledger.settle(receivedAt + 1_001);
    assertEquals([payloadsIn(a).length, payloadsIn(b).length], [4, 4]);
  },
});
