/**
 * A binary's first minute on its own system: what it says of itself, the handshake, a publish to a
 * broker in this process, and its end. Usage: `deno task smoke COMMAND [argument…]`
 *
 * @module
 */
import { PRODUCT } from "../../src/version.ts";
import { type AedesBroker, startAedes } from "../../tests/support/aedes.ts";
import { within } from "../../tests/support/inbox.ts";
import { callTool, sdkClient } from "../../tests/support/sdk_client.ts";
import { credentialsFor, ServerProcess } from "../../tests/support/server_process.ts";
import { print, printError } from "../lib/print.ts";
import { run } from "../lib/process.ts";

/** Milliseconds for one step; a system that looks at new programs first may take most of it. */
const STEP_MS = 60_000;

/** A broker to publish to, and what it saw. */
export interface SmokeBroker {
  readonly hostname: string;
  readonly port: number;
  /** Settles with topic and payload of what was published. */
  published(): Promise<{ topic: string; payload: string }>;
}

/**
 * Runs the binary through all of it.
 *
 * @param command the program and its arguments, an emulator in front of it perhaps
 * @param broker where it is to publish
 * @returns what was seen, a line each
 * @throws {Error} naming the first thing that is not as it should be
 */
export async function smoke(command: readonly string[], broker: SmokeBroker): Promise<string[]> {
  const [program = "", ...args] = command;
  const said = await run(program, [...args, "--version"], { deadlineMs: STEP_MS });
  mustBe("--version", said.stdout.trim(), PRODUCT.version);
  await using server = new ServerProcess(
    new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "piped" }),
    true,
  );
  const user = { MQTT_USER: USER.username, MQTT_PASS: USER.password };
  const client = await within(
    STEP_MS,
    "the handshake and initialize",
    sdkClient(server, credentialsFor(broker, user)),
  );
  const message = { topic: "smoke/test", message: crypto.randomUUID() };
  const { data } = await within(STEP_MS, "the publish", callTool(client, "publish", message));
  mustBe("publish", data, { success: true, topic: message.topic, retain: false, qos: 1 });
  const got = await within(STEP_MS, "the broker to see it", broker.published());
  mustBe("the broker", got, { topic: message.topic, payload: message.message });
  await server.closeInput();
  mustBe("the exit code", (await server.exited(STEP_MS)).code, 0);
  return [`version ${PRODUCT.version}`, "+READY", "+OK", `published ${message.topic}`, "exit 0"];
}

/** Who the broker of a smoke run lets in. */
export const USER = { username: "smoke", password: crypto.randomUUID() } as const;

/** The broker that is always there. */
export function smokeBroker(broker: AedesBroker): SmokeBroker {
  return {
    hostname: broker.hostname,
    port: broker.port,
    async published() {
      const { topic, payload } = await broker.saw("publish");
      return { topic, payload: payload.toString() };
    },
  };
}

function mustBe(what: string, actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`The binary fails: ${what} is ${a}, and should be ${b}`);
}

if (import.meta.main) {
  try {
    await using broker = await startAedes({ authenticate: USER });
    for (const line of await smoke(Deno.args, smokeBroker(broker))) print(line);
  } catch (error) {
    printError(error instanceof Error ? error.message : String(error));
    Deno.exitCode = 1;
  }
}
