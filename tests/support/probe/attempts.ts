/**
 * What code inside the server's process could try if it were hostile.
 *
 * @module
 */

import { createSocket } from "node:dgram";
import { connect } from "node:net";

/** Where the attempts go. */
export interface ProbeTargets {
  readonly host: string;
  /** Port of the broker, which the product may reach. */
  readonly port: number;
  /** Port of another listener on the same host. */
  readonly otherPort: number;
  /** A folder in which a file could be written, with a file `readable` in it. */
  readonly folder: string;
}

/** By attempt: `done`, `refused` for want of permission, or another error's words. */
export type ProbeReport = Readonly<Record<string, string>>;

/** Tries everything, one after the other. */
export async function attempt(targets: ProbeTargets): Promise<ProbeReport> {
  const { host, port, otherPort, folder } = targets;
  const attempts: Record<string, () => unknown> = {
    "reach the broker": () => reach(host, port),
    "reach another port": () => reach(host, otherPort),
    "reach another port with node:net": () => reachWithNode(host, otherPort),
    "reach another host": () => reach("127.0.0.2", port),
    "reach another name": () => reach("localhost", port),
    "reach by TLS": () => Deno.connectTls({ hostname: host, port: otherPort }),
    "send by UDP": () => sendByUdp(host, otherPort),
    fetch: () => fetch(`http://${host}:${otherPort}/`),
    "open a WebSocket": () => openWebSocket(`ws://${host}:${otherPort}/`),
    listen: () => Deno.listen({ hostname: host, port: 0 }).close(),
    "ask for a name": () => Deno.resolveDns("example.invalid", "A"),
    "import from the network": () => import(`http://${host}:${otherPort}/module.js`),
    "import a file": () => import(`file://${folder}/module.js`),
    "read a file": () => Deno.readTextFile(`${folder}/readable`),
    "list a folder": () => [...Deno.readDirSync(folder)],
    "write a file": () => Deno.writeTextFile(`${folder}/written`, "x"),
    "make a temporary file": () => Deno.makeTempFile(),
    "read the environment": () => Deno.env.toObject(),
    "read one variable": () => Deno.env.get("PATH"),
    "set a variable": () => Deno.env.set("PROBE", "1"),
    "run a program": () => new Deno.Command("true").output(),
    "ask for the host's name": () => Deno.hostname(),
    "load a library": () => Deno.dlopen(`${folder}/library.so`, {}),
    "start a freer worker": () => startFreerWorker(),
  };
  const report: Record<string, string> = {};
  for (const [name, action] of Object.entries(attempts)) {
    report[name] = await outcome(action);
  }
  return report;
}

/**
 * What Node's modules say for want of permission. Deno before 2.9 says ECONNREFUSED, although
 * something does listen there; and a compiled program finds no module that is not inside it.
 */
const REFUSALS = ["EPERM", "EACCES", "ECONNREFUSED", "ERR_MODULE_NOT_FOUND"];

async function outcome(action: () => unknown): Promise<string> {
  try {
    await action();
    return "done";
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string };
    const refused = ["NotCapable", "PermissionDenied"].includes(name) ||
      REFUSALS.includes(code ?? "") || /Requires \S+ access/.test(message);
    return refused ? "refused" : `${name} ${code ?? ""} ${message}`;
  }
}

async function reach(hostname: string, port: number): Promise<void> {
  (await Deno.connect({ hostname, port })).close();
}

function reachWithNode(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}

function sendByUdp(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const settle = (error: Error | null) => error === null ? resolve() : reject(error);
    // Deno throws the refusal where nobody can catch it.
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      reject(event.error);
    }, { once: true });
    socket.once("error", settle);
    socket.send("x", port, host, settle);
  });
}

function openWebSocket(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => {
      socket.close();
      resolve();
    };
    socket.onerror = () => reject(new Error("WebSocket failed"));
  });
}

function startFreerWorker(): void {
  new Worker("data:text/javascript,", {
    type: "module",
    deno: { permissions: { net: true, read: true } },
  }).terminate();
}
