import { assert, assertEquals } from "@std/assert";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import { credentialsFor } from "../support/server_process.ts";
import { StrictParent } from "../support/strict_parent.ts";
import { requireOrIgnore } from "../support/tools.ts";

const SERVERS = 3;
const MESSAGES = 300;

Deno.test({
  name: "three servers share the work of one $share group: each message is handled once",
  ignore: requireOrIgnore("mosquitto"),
  async fn() {
    await using stack = new AsyncDisposableStack();
    const broker = stack.use(await startMosquitto({ verbose: false }));
    const peer = stack.use(await connectPeer(`mqtt://${broker.hostname}:${broker.port}`));
    const credentials = credentialsFor(broker);
    const args = { topic: "$share/workers/jobs/+", include_retained: false };
    const servers: StrictParent[] = [];
    for (let count = 0; count < SERVERS; count++) {
      const server = stack.use(await StrictParent.start({ credentials }));
      const { success } = await server.callTool("subscribe", { ...args, timeout: 0 });
      assertEquals(success, true);
      servers.push(server);
    }
    const jobs = Array.from({ length: MESSAGES }, (_, number) => `jobs/${number}`);
    await Promise.all(jobs.map((topic) => peer.publish(topic, "do")));
    const shares = await Promise.all(servers.map((server) => take(server, args)));
    assert(shares.every((share) => share.length > 0), String(shares.map(({ length }) => length)));
    assertEquals(shares.flat().toSorted(), jobs.toSorted());
  },
});

/** Everything that one server was given; it ends with the first call that brings nothing. */
async function take(
  server: StrictParent,
  args: Readonly<Record<string, unknown>>,
): Promise<string[]> {
  const taken: string[] = [];
  for (let calls = 0; calls < MESSAGES; calls++) {
    const { messages } = await server.callTool("subscribe", { ...args, timeout: 0.5 });
    const topics = (messages as { topic: string }[]).map(({ topic }) => topic);
    if (topics.length === 0) break;
    taken.push(...topics);
  }
  return taken;
}
