/**
 * Standing subscriptions: live messages, overlapping and shared ones, and their end.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Client, payloadsOf, type Result } from "../tools/client.ts";
import { refusal } from "./rows_publish.ts";
import { type Row, saysSo, type Stage, WORKS } from "./stage.ts";

/** How long a message that may never come is waited for, in seconds. */
const ABSENCE_S = 0.3;

/** See the module. */
export const SUBSCRIPTION_ROWS: readonly Row[] = [
  { title: "subscribe at QoS 0, 1 and 2", run: subscribe },
  { title: "live messages under + and #", run: wildcards },
  { title: "unsubscribe", run: unsubscribe },
  { title: "three overlapping filters: each message once under each", run: overlapping },
  {
    title: "equal messages in a burst under overlapping filters are all kept, once",
    run: repeated,
  },
  { title: "$share: each message to one of two servers", run: shared },
];

async function subscribe({ client, peer, topic }: Stage): Promise<string> {
  const granted: unknown[] = [];
  for (const qos of [0, 1, 2] as const) {
    const filter = `${topic}/${qos}`;
    const { qos: given } = await client.do("subscribe", { topic: filter, qos, timeout: 0 });
    await peer.publish(filter, "on", { qos: qos === 0 ? 0 : 1 });
    const result = await client.do("subscribe", {
      topic: filter,
      qos,
      timeout: 5,
      max_messages: 1,
    });
    assertEquals(payloadsOf(result), ["on"]);
    granted.push(given);
  }
  const told = granted.join(", ");
  return told === "0, 1, 2" ? WORKS : saysSo(true, `grants ${told}`);
}

async function wildcards({ client, peer, topic }: Stage): Promise<string> {
  const filters = [`${topic}/+/state`, `${topic}/#`];
  for (const filter of filters) await client.do("subscribe", { topic: filter, timeout: 0 });
  await peer.publish(`${topic}/lamp/state`, "on");
  await peer.publish(`${topic}/lamp/set`, "off");
  const [one, all] = filters;
  assertEquals(payloadsOf(await next(client, one, 1)), ["on"]);
  assertEquals(payloadsOf(await next(client, all, 2)), ["on", "off"]);
  return WORKS;
}

async function unsubscribe({ client, peer, topic }: Stage): Promise<string> {
  await client.do("subscribe", { topic, timeout: 0 });
  await client.do("unsubscribe", { topic });
  assertEquals((await client.call("unsubscribe", { topic })).code, "NO_SUBSCRIPTION");
  await peer.publish(topic, "unheard");
  assertEquals(payloadsOf(await client.do("subscribe", { topic, timeout: ABSENCE_S })), []);
  return WORKS;
}

async function overlapping({ client, peer, topic }: Stage): Promise<string> {
  const filters = await overlap(client, topic);
  const sent = ["1", "2", "3", "4", "5"];
  for (const message of sent) await peer.publish(`${topic}/a`, message);
  await assertEach(client, filters, sent);
  return WORKS;
}

async function repeated({ client, peer, topic }: Stage): Promise<string> {
  const filters = await overlap(client, topic);
  // The first ones show the server whether this broker sends copies.
  const shown = ["1", "2", "3", "4"];
  for (const message of shown) await peer.publish(`${topic}/a`, message);
  await assertEach(client, filters, shown);
  // In a burst, in which NATS sends the copies of several messages in turns.
  const sent = ["5", "same", "same", "6", "7", "8", "same", "9"];
  await Promise.all(sent.map((message) => peer.publish(`${topic}/a`, message)));
  // There, nobody can tell at which of its places an equal message belongs.
  await assertEach(client, filters, sent.toSorted(), (payloads) => payloads.toSorted());
  return WORKS;
}

async function overlap(client: Client, topic: string): Promise<string[]> {
  const filters = [`${topic}/a`, `${topic}/+`, `${topic}/#`];
  for (const filter of filters) await client.do("subscribe", { topic: filter, timeout: 0 });
  return filters;
}

async function assertEach(
  client: Client,
  filters: string[],
  sent: string[],
  order = (payloads: string[]) => payloads,
): Promise<void> {
  for (const filter of filters) {
    assertEquals(order(payloadsOf(await next(client, filter, sent.length))), sent, filter);
  }
  for (const filter of filters) {
    const more = await client.do("subscribe", { topic: filter, timeout: ABSENCE_S });
    assertEquals(payloadsOf(more), [], filter);
  }
}

async function shared({ credentials, peer, topic }: Stage): Promise<string> {
  await using one = new Client(credentials);
  await using other = new Client(credentials);
  const args = { topic: `$share/servers/${topic}`, include_retained: false };
  const both = [one, other];
  const standing: Result[] = [];
  for (const client of both) {
    const result = await client.call("subscribe", { ...args, timeout: 0 });
    if (result.code === "CONNECTION_CLOSED") {
      return saysSo(result.hint?.includes("may not take"), result.code);
    }
    if (!result.success) return refusal(result);
    standing.push(result);
  }
  const sent = Array.from({ length: 20 }, (_, number) => `${number}`);
  for (const message of sent) await peer.publish(topic, message);
  const got = await Promise.all(
    both.map((client) => client.do("subscribe", { ...args, timeout: 1 })),
  );
  const shares = got.map(payloadsOf);
  if (shares.flat().length === 0) {
    const said = standing.every(({ note }) => note?.includes("shared subscription"));
    return saysSo(said, "nothing comes");
  }
  assertEquals(shares.flat().toSorted(), sent.toSorted());
  assert(shares.every((share) => share.length > 0), JSON.stringify(shares));
  return WORKS;
}

/** The next `count` messages of a standing subscription. */
async function next(client: Client, topic: string | undefined, count: number): Promise<Result> {
  return await client.do("subscribe", { topic, timeout: 5, max_messages: count });
}
