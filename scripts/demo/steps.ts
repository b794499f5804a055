import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { within } from "../../tests/support/inbox.ts";
import { ANSWER_MS, hideSecrets, mustBe, note, received, sent, type World } from "./world.ts";

/** One thing that the demo shows. */
export interface Step {
  readonly title: string;
  /** Shows it, and throws when it is not as it should be. */
  readonly run: (world: World) => Promise<void>;
}

/** Milliseconds that a parent gives the server to end before it kills it. */
const STOP_MS = 100;

/** Every step, in order; each may rely on those before it. */
export const STEPS: readonly Step[] = [
  { title: "A broker on this machine, and the server as a child process", run: start },
  { title: "SMCP: the handshake, over stdin and stdout", run: handshake },
  { title: "MCP: initialize and tools/list", run: listTools },
  { title: "subscribe: from now on, collect what the lamp says", run: subscribe },
  { title: "publish: command the lamp, which answers on its state topic", run: publish },
  { title: "subscribe again: what came in between the calls", run: collect },
  { title: "get_retained: the state that the broker stores", run: getRetained },
  { title: "request: command the lamp and await its new state, in one call", run: request },
  { title: "list_topics: what there is on the broker", run: listTopics },
  { title: "A mistake, and what an agent is told", run: refuse },
  { title: "The operator's access policy: no agent opens the lock", run: refuseByPolicy },
  { title: "unsubscribe", run: unsubscribe },
  { title: "The parent leaves: stdin closed, then SIGTERM", run: stop },
];

async function start({ broker, server, command }: World): Promise<void> {
  note(`Aedes on ${broker.hostname}:${broker.port}, asking for a user name and a password`);
  note(`${command}, process ${server.pid}`);
  mustBe("the first line", await server.lines.next(ANSWER_MS), "+READY");
}

async function handshake({ server, credentials }: World): Promise<void> {
  received("+READY");
  sent(hideSecrets(credentials));
  await within(ANSWER_MS, "the server to take the credentials", server.writeJson(credentials));
  mustBe("the answer", await server.lines.next(ANSWER_MS), "+OK");
  received("+OK");
}

async function listTools(world: World): Promise<void> {
  await world.connect(new Client({ name: "demo", version: "1.0.0" }));
  const server = world.client.getServerVersion();
  note(`${server?.name} ${server?.version}`);
  mustBe("the server's name", server?.name, "mqtt-smcp-server");
  const listing = await within(ANSWER_MS, "the list of tools", world.client.listTools());
  const { tools } = listing as { tools: { name: string; title: string }[] };
  for (const { name, title } of tools) note(`${name.padEnd(14)}${title}`);
  const wanted = ["publish", "request", "subscribe", "get_retained", "unsubscribe", "list_topics"];
  for (const name of wanted) {
    mustBe(`a tool named ${name}`, tools.some((tool) => tool.name === name), true);
  }
}

async function subscribe(world: World): Promise<void> {
  const { success, messages } = await world.call("subscribe", { topic: STATE, timeout: 0 });
  mustBe("success", success, true);
  mustBe("messages", messages, []);
}

async function publish(world: World): Promise<void> {
  const lamp = actAsLamp(world, "on");
  const { success } = await world.call("publish", { topic: "lamp/set", message: "on" });
  mustBe("success", success, true);
  await within(ANSWER_MS, "the lamp to be commanded", lamp);
}

async function collect(world: World): Promise<void> {
  const { success, messages } = await world.call("subscribe", { topic: STATE, max_messages: 1 });
  mustBe("success", success, true);
  mustBe("messages", payloads(messages), [[STATE, "on"]]);
}

async function getRetained(world: World): Promise<void> {
  const { success, messages } = await world.call("get_retained", { topic: "lamp/#" });
  mustBe("success", success, true);
  mustBe("messages", payloads(messages), [[STATE, "on"]]);
}

async function refuse(world: World): Promise<void> {
  const { success, code } = await world.call("publish", { topic: "lamp/#", message: "off" });
  mustBe("success", success, false);
  mustBe("code", code, "INVALID_TOPIC");
}

async function request(world: World): Promise<void> {
  const lamp = actAsLamp(world, "off");
  const args = { topic: "lamp/set", message: "off", response_topic: STATE };
  const { success, response } = await world.call("request", args);
  mustBe("success", success, true);
  mustBe("the response", payloads([response]), [[STATE, "off"]]);
  await within(ANSWER_MS, "the lamp to be commanded", lamp);
}

async function listTopics(world: World): Promise<void> {
  const args = { topic: "lamp/#", timeout: 0.5 };
  const { success, topics } = await world.call("list_topics", args);
  mustBe("success", success, true);
  mustBe("topics", (topics as { topic: string }[]).map(({ topic }) => topic), [STATE]);
}

async function refuseByPolicy(world: World): Promise<void> {
  const args = { topic: "locks/door/set", message: "open" };
  const { success, code } = await world.call("publish", args);
  mustBe("success", success, false);
  mustBe("code", code, "POLICY");
  const sent = world.broker.packets.all.some(({ packet }) =>
    packet.cmd === "publish" && packet.topic === args.topic
  );
  mustBe("whether the broker saw the message", sent, false);
}

async function unsubscribe(world: World): Promise<void> {
  const { success } = await world.call("unsubscribe", { topic: STATE });
  mustBe("success", success, true);
}

async function stop({ broker, server, password }: World): Promise<void> {
  const begun = performance.now();
  await within(ANSWER_MS, "stdin to close", server.closeInput());
  server.signal("SIGTERM");
  const { code, signal, at } = await server.exited(ANSWER_MS);
  const ms = at - begun;
  note(`exit code ${code} after ${ms.toFixed(0)} ms`);
  mustBe("the exit", { code, signal }, { code: 0, signal: null });
  // Shown, not judged: a machine that is busy with other things can take longer.
  if (ms > STOP_MS) {
    note(`(slower than the ${STOP_MS} ms that parents give: is this machine busy?)`);
  }
  await broker.saw("disconnect");
  note("the broker got an MQTT DISCONNECT");
  const said = server.stdoutText + server.stderrText;
  mustBe("the password in the server's output", said.includes(password), false);
  note("the password appears nowhere in what the server wrote to stdout and stderr");
}

const STATE = "lamp/state";

/** A device: takes one command and publishes, retained, the state that it leads to. */
async function actAsLamp({ broker }: World, command: string): Promise<void> {
  const { payload } = await broker.saw(
    "publish",
    ({ topic, payload }) => topic === "lamp/set" && payload.toString() === command,
  );
  await broker.publish(STATE, payload, { retain: true, qos: 1 });
}

function payloads(messages: unknown): [topic: unknown, payload: unknown][] {
  return (messages as Record<string, unknown>[]).map(({ topic, payload }) => [topic, payload]);
}
