import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { type AedesBroker, startAedes } from "../../tests/support/aedes.ts";
import { within } from "../../tests/support/inbox.ts";
import { callTool, ProcessTransport, type ToolAnswer } from "../../tests/support/sdk_client.ts";
import { ServerProcess } from "../../tests/support/server_process.ts";
import { ROOT } from "../lib/paths.ts";
import { print } from "../lib/print.ts";

/** Milliseconds that one answer may take. */
export const ANSWER_MS = 8_000;

/** Columns that the output keeps to. */
const WIDTH = 100;
const INDENT = "   ";

/** Everything that the demo starts, and how its steps talk with it. */
export class World implements AsyncDisposable {
  /** A broker that asks for {@linkcode credentials}. */
  readonly broker: AedesBroker;
  /** The server, confined as when it is compiled. */
  readonly server: ServerProcess;
  /** The command that started it, to show. */
  readonly command: string;
  readonly credentials: Readonly<Record<string, string | number>>;
  #client: Client | undefined;

  private constructor(broker: AedesBroker, password: string) {
    this.broker = broker;
    this.credentials = {
      MQTT_BROKER: broker.hostname,
      MQTT_PORT: broker.port,
      MQTT_USER: USER,
      MQTT_PASS: password,
      MQTT_DENY_PUBLISH: "locks/#",
    };
    // Reading src is what loading the worker from source takes; the compiled binary needs no such flag.
    const flags = ["--allow-net", "--allow-read=src"];
    this.command = `deno run ${flags.join(" ")} main.ts`;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--lock=deno.lock", "--frozen", ...flags, "main.ts"],
      cwd: ROOT,
      env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
    this.server = new ServerProcess(command, true);
  }

  /** Starts the broker and the server, with a password of this run only. */
  static async create(): Promise<World> {
    const password = crypto.randomUUID();
    return new World(await startAedes({ authenticate: { username: USER, password } }), password);
  }

  /** The password, to look for where it must not be. */
  get password(): string {
    return String(this.credentials.MQTT_PASS);
  }

  /** Connects an MCP client to the server, whose handshake is done. */
  async connect(client: Client): Promise<void> {
    await within(ANSWER_MS, "the answer to initialize", client.connect(this.#transport()));
    this.#client = client;
  }

  /** The connected client. */
  get client(): Client {
    if (this.#client === undefined) throw new Error("Cannot call a tool: no client is connected");
    return this.#client;
  }

  /** Shows a tool call and its answer, with how long it took. */
  async call(name: string, args: Record<string, unknown>): Promise<ToolAnswer["data"]> {
    sent(`${name} ${JSON.stringify(args)}`);
    const start = performance.now();
    const answer = await within(
      ANSWER_MS,
      `the answer of ${name}`,
      callTool(this.client, name, args),
    );
    received(JSON.stringify(answer.data));
    note(`${(performance.now() - start).toFixed(0)} ms`);
    mustBe("isError", answer.isError, !answer.data.success);
    return answer.data;
  }

  /** Ends the server, if it still runs, and the broker. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.broker[Symbol.asyncDispose]();
  }

  #transport(): ProcessTransport {
    return new ProcessTransport(this.server);
  }
}

const USER = "demo";

/** Shows what the parent sent. */
export function sent(text: string): void {
  show("-> ", text);
}

/** Shows what the server answered. */
export function received(text: string): void {
  show("<- ", text);
}

/** Shows a remark. */
export function note(text: string): void {
  show("   ", text);
}

/**
 * Checks what a step got.
 *
 * @throws {Error} naming `what` when `actual` is something else
 */
export function mustBe(what: string, actual: unknown, expected: unknown): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (got !== wanted) throw new Error(`${what} is ${got}, but must be ${wanted}`);
}

/** The credentials that are no secrets. */
const SHOWN = ["MQTT_BROKER", "MQTT_PORT", "MQTT_DENY_PUBLISH"];

/** Credentials as they may be shown. */
export function hideSecrets(credentials: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(credentials).map(([key, value]) =>
    [key, SHOWN.includes(key) ? value : "********"] as const
  );
  return JSON.stringify(Object.fromEntries(shown));
}

function show(mark: string, text: string): void {
  let lead = INDENT + mark;
  for (const line of wrap(text, WIDTH - lead.length)) {
    print(lead + line);
    lead = `${INDENT}   `;
  }
}

/** Breaks a text behind commas and spaces, since JSON has little else to break at. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const piece of text.split(/(?<=[,\s])/)) {
    if (line !== "" && (line + piece).trimEnd().length > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += piece;
  }
  return [...lines, line];
}
