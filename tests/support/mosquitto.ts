/**
 * A real Mosquitto in the foreground, with a configuration and folder of its own.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Certificates } from "./certificates.ts";
import { Inbox, PATIENCE_MS, within } from "./inbox.ts";
import { freePort } from "./ports.ts";
import { findProgram } from "./tools.ts";

/** How to start Mosquitto. */
export interface MosquittoOptions {
  /** User names and passwords; anonymous clients are then refused. Default: anybody may connect. */
  readonly users?: Readonly<Record<string, string>>;
  /**
   * Gives the listeners with WebSocket. Mosquitto 2.0 opens those on every address, whatever its
   * configuration says, so only a test that is about them asks for them. Default false.
   */
  readonly websockets?: boolean;
  /** Gives the listeners with TLS. */
  readonly certificates?: Certificates;
  /** Which certificate the TLS listeners show. Default `server`. */
  readonly show?: "server" | "expired" | "wrongHost";
  /** Lines of the access control file, such as `topic read a/#`. */
  readonly acl?: readonly string[];
  /** Further lines of the configuration, such as `retain_available false`. */
  readonly config?: readonly string[];
  /** Keeps retained messages and sessions over `restart`. Default false. */
  readonly persist?: boolean;
  /** Whether each packet is logged, which `log` is for and benchmarks pay for. Default true. */
  readonly verbose?: boolean;
}

/** The kinds of listener, each on a port of its own. */
export type ListenerName = "tcp" | "tls" | "mutualTls" | "ws" | "wss";

/** A running Mosquitto. */
export class Mosquitto implements AsyncDisposable {
  readonly hostname = "127.0.0.1";
  /** Port of each listener; those with TLS are 0 without certificates. */
  readonly ports: Readonly<Record<ListenerName, number>>;
  readonly #folder: string;
  #process: Deno.ChildProcess;
  #reading: Promise<void>;
  #log: Inbox<string>;

  constructor(folder: string, ports: Readonly<Record<ListenerName, number>>) {
    this.#folder = folder;
    this.ports = ports;
    [this.#process, this.#log, this.#reading] = this.#spawn();
  }

  /** Port of the plain TCP listener. */
  get port(): number {
    return this.ports.tcp;
  }

  /** Mosquitto's log since the last start: "Received DISCONNECT from …" and the like. */
  get log(): Inbox<string> {
    return this.#log;
  }

  /**
   * Waits until every listener listens.
   *
   * @throws Error with Mosquitto's own words when it ends instead.
   */
  async ready(): Promise<void> {
    try {
      await this.#log.find((line) => / running$/.test(line));
    } catch {
      throw new Error(`Cannot start Mosquitto: ${this.#log.all.join("; ")}`);
    }
    for (const port of Object.values(this.ports)) {
      if (port !== 0) (await Deno.connect({ hostname: this.hostname, port })).close();
    }
  }

  /** Ends it with `signal` and waits until it is gone. Default SIGTERM. */
  async kill(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended already.
    }
    await within(PATIENCE_MS, "Mosquitto to end", this.#process.status);
    await this.#reading;
  }

  /** Starts it again on the same ports, after `kill` or instead of it. */
  async restart(): Promise<void> {
    await this.kill();
    [this.#process, this.#log, this.#reading] = this.#spawn();
    await this.ready();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
    await Deno.remove(this.#folder, { recursive: true });
  }

  #spawn(): [Deno.ChildProcess, Inbox<string>, Promise<void>] {
    const program = findProgram("mosquitto");
    if (program === undefined) throw new Error("Cannot start Mosquitto: it is not installed");
    const process = new Deno.Command(program, {
      args: ["-c", `${this.#folder}/mosquitto.conf`],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const log = new Inbox<string>("line in Mosquitto's log");
    return [process, log, readLines(process.stderr, log)];
  }
}

/** Starts Mosquitto on free ports of 127.0.0.1 and waits until it listens. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = await Deno.makeTempDir({ prefix: "mqtt-smcp-mosquitto-" });
  const secure = options.certificates === undefined ? () => 0 : freePort;
  const ports = {
    tcp: freePort(),
    tls: secure(),
    mutualTls: secure(),
    ws: options.websockets ? freePort() : 0,
    wss: options.websockets ? secure() : 0,
  };
  await writeConfiguration(folder, ports, options);
  const broker = new Mosquitto(folder, ports);
  try {
    await broker.ready();
  } catch (error) {
    await broker[Symbol.asyncDispose]();
    throw error;
  }
  return broker;
}

async function writeConfiguration(
  folder: string,
  ports: Readonly<Record<ListenerName, number>>,
  options: MosquittoOptions,
): Promise<void> {
  const { certificates, users, acl } = options;
  const lines = [
    // Started by root it would otherwise become a user who cannot read this folder.
    "user root",
    "log_dest stderr",
    `log_type ${options.verbose === false ? "information" : "all"}`,
    // Without it Mosquitto's own Nagle holds small packets back for 40 ms.
    "set_tcp_nodelay true",
    "max_inflight_messages 65535",
    "max_queued_messages 1000000",
    `allow_anonymous ${users === undefined}`,
    `persistence ${options.persist === true}`,
    `persistence_location ${folder}/`,
    ...(options.config ?? []),
  ];
  if (users !== undefined) {
    const entries = await Promise.all(Object.entries(users).map(passwordLine));
    await Deno.writeTextFile(`${folder}/passwords`, entries.join(""), { mode: 0o600 });
    lines.push(`password_file ${folder}/passwords`);
  }
  if (acl !== undefined) {
    await Deno.writeTextFile(`${folder}/acl`, acl.join("\n") + "\n", { mode: 0o600 });
    lines.push(`acl_file ${folder}/acl`);
  }
  lines.push(`listener ${ports.tcp} 127.0.0.1`);
  if (ports.ws !== 0) lines.push(`listener ${ports.ws} 127.0.0.1`, "protocol websockets");
  if (certificates !== undefined) {
    const shown = certificates[options.show ?? "server"];
    const identity = [`certfile ${shown.certFile}`, `keyfile ${shown.keyFile}`];
    lines.push(`listener ${ports.tls} 127.0.0.1`, ...identity);
    lines.push(`listener ${ports.mutualTls} 127.0.0.1`, ...identity);
    lines.push(`cafile ${certificates.ca.certFile}`, "require_certificate true");
    if (ports.wss !== 0) {
      lines.push(`listener ${ports.wss} 127.0.0.1`, "protocol websockets", ...identity);
    }
  }
  await Deno.writeTextFile(`${folder}/mosquitto.conf`, lines.join("\n") + "\n");
}

/** One line of a password file: PBKDF2 with SHA-512, as mosquitto_passwd writes it. */
async function passwordLine([user, password]: [string, string]): Promise<string> {
  const iterations = 101;
  const salt = crypto.getRandomValues(new Uint8Array(12));
  const secret = new TextEncoder().encode(password);
  const key = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveBits"]);
  const hash = await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash: "SHA-512", salt, iterations },
    key,
    512,
  );
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  return `${user}:$7$${iterations}$${base64(salt)}$${base64(new Uint8Array(hash))}\n`;
}

async function readLines(stream: ReadableStream<Uint8Array>, lines: Inbox<string>): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) lines.put(line);
  }
  if (rest !== "") lines.put(rest);
  lines.close("Mosquitto has ended");
}
