import { assertEquals } from "@std/assert";
import { Inbox } from "../../src/mqtt/inbox.ts";
import type { InboxReader } from "../../src/mqtt/inbox_reader.ts";
import type { InboundMessage } from "../../src/mqtt/packets.ts";
import { Random } from "../support/random.ts";
import { message, textOf } from "./messages.ts";

const permissions = "none";

/** The same, so simple that it is right: everything ever pushed, and marks. */
class NaiveInbox {
  readonly all: InboundMessage[] = [];
  firstHeld = 0;
  consumed = 0;
  dropped = 0;
  readonly positions = new Map<InboxReader, number>();
  readonly #bound: number;

  constructor(bound: number) {
    this.#bound = bound;
  }

  push(it: InboundMessage): void {
    this.all.push(it);
    while (this.all.length - this.firstHeld > this.#bound) {
      if (this.firstHeld >= this.consumed) this.dropped++;
      this.firstHeld++;
    }
  }

  waiting(reader: InboxReader): InboundMessage[] {
    return this.all.slice(Math.max(this.firstHeld, this.positions.get(reader) ?? 0));
  }

  consume(reader: InboxReader, count: number): number {
    const from = Math.max(this.firstHeld, this.positions.get(reader) ?? 0);
    this.positions.set(reader, from + count);
    this.consumed = Math.max(this.consumed, from + count);
    const { dropped } = this;
    this.dropped = 0;
    return dropped;
  }

  end(reader: InboxReader): void {
    this.positions.delete(reader);
    const free = Math.min(this.consumed, ...this.positions.values());
    this.firstHeld = Math.max(this.firstHeld, free);
  }

  get pending(): number {
    return this.all.length - Math.max(this.consumed, this.firstHeld);
  }
}

Deno.test({
  name: "under any sequence of pushes and reads an inbox does what a naive one does",
  permissions,
  fn() {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const bound = random.int(1, 12);
      const inbox = new Inbox({ messages: bound, bytes: 1e9 });
      const naive = new NaiveInbox(bound);
      for (let step = 0; step < 400; step++) {
        const readers = [...naive.positions.keys()];
        const where = `seed ${seed}, step ${step}`;
        const choice = random.int(0, 9);
        if (choice < 5) {
          const it = message("t", String(step));
          inbox.push(it);
          naive.push(it);
        } else if (choice < 7 && readers.length < 4) {
          const reader = inbox.read();
          naive.positions.set(reader, Math.max(naive.consumed, naive.firstHeld));
        } else if (readers.length > 0) {
          const reader = random.pick(readers);
          const waiting = naive.waiting(reader);
          assertEquals(reader.peek().map(textOf), waiting.map(textOf), where);
          assertEquals(reader.count, waiting.length, where);
          if (choice < 9) {
            const count = random.int(0, waiting.length);
            assertEquals(reader.consume(count).dropped, naive.consume(reader, count), where);
          } else {
            reader[Symbol.dispose]();
            naive.end(reader);
          }
        }
        assertEquals([inbox.pending, inbox.dropped], [naive.pending, naive.dropped], where);
        assertEquals(inbox.hasReaders, naive.positions.size > 0, where);
      }
    }
  },
});
