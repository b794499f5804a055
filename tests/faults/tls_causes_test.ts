import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { Inbox } from "../support/inbox.ts";
import { type ServerKind, testEachKind } from "../support/server_process.ts";
import { PlainServer } from "./lines.ts";
import { amount, report } from "./support.ts";

/** Milliseconds from the start of a call until the cause is told. */
const NAMED_MS = 2_000;

/** A server that answers nothing and notes what it was told. */
interface Ear extends AsyncDisposable {
  readonly port: number;
  /** What clients said to it: inside TLS, where it speaks that. */
  readonly heard: Inbox<Uint8Array>;
}

/** Listens with TLS when there is a certificate to show. */
async function listen(shown: { cert: string; key: string } | undefined): Promise<Ear> {
  const heard = new Inbox<Uint8Array>("word of a client");
  const server: Server = shown === undefined
    ? createServer()
    : createTlsServer({ cert: shown.cert, key: shown.key });
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  server.on(shown === undefined ? "connection" : "secureConnection", (socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => {
      heard.put(bytes.slice());
      // As a broker does that cannot make anything of it.
      if (shown === undefined) socket.destroy();
    });
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    heard,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Row {
  readonly name: string;
  readonly code: RegExp;
  readonly ear: (certificates: Certificates) => Promise<Ear>;
  readonly credentials: (certificates: Certificates) => Record<string, unknown>;
  /** The first byte that the other side may hear; undefined: nothing at all. */
  readonly firstByte?: number;
  /**
   * Deno before 2.9 ends such a connection without saying why; a call then waits for a better one as
   * long as it may, and says that the connection was closed.
   */
  readonly causeless?: true;
}

const TLS_RECORD = 0x16;
const CONNECT = 0x10;

const ROWS: readonly Row[] = [
  {
    name: "signed by an authority that is not ours",
    code: /^TLS_UNTRUSTED$/,
    ear: ({ server }) => listen(server),
    credentials: ({ otherCa }) => ({ MQTT_TLS: true, MQTT_CA: otherCa.cert }),
  },
  {
    name: "signed by an authority that the system does not know",
    code: /^TLS_UNTRUSTED$/,
    ear: ({ server }) => listen(server),
    credentials: () => ({ MQTT_TLS: true }),
  },
  {
    name: "expired",
    code: /^TLS_EXPIRED$/,
    ear: ({ expired }) => listen(expired),
    credentials: ({ ca }) => ({ MQTT_TLS: true, MQTT_CA: ca.cert }),
  },
  {
    name: "wrong host",
    code: /^TLS_WRONG_HOST$/,
    ear: ({ wrongHost }) => listen(wrongHost),
    credentials: ({ ca }) => ({ MQTT_TLS: true, MQTT_CA: ca.cert }),
  },
  {
    name: "wrong host, over WebSocket",
    causeless: true,
    code: /^TLS_WRONG_HOST$/,
    ear: ({ wrongHost }) => listen(wrongHost),
    credentials: ({ ca }) => ({ MQTT_TLS: true, MQTT_CA: ca.cert, MQTT_TRANSPORT: "ws" }),
  },
  {
    name: "untrusted, over WebSocket",
    causeless: true,
    code: /^TLS_UNTRUSTED$/,
    ear: ({ server }) => listen(server),
    credentials: ({ otherCa }) => ({
      MQTT_TLS: true,
      MQTT_CA: otherCa.cert,
      MQTT_TRANSPORT: "ws",
    }),
  },
  {
    name: "TLS spoken to a plain port",
    causeless: true,
    code: /^(TLS_NOT_SPOKEN|TLS_FAILED)$/,
    ear: () => listen(undefined),
    credentials: ({ ca }) => ({ MQTT_TLS: true, MQTT_CA: ca.cert }),
    firstByte: TLS_RECORD,
  },
  {
    name: "plain MQTT spoken to a TLS port",
    code: /^(TLS_REQUIRED|CONNECTION_CLOSED|PROTOCOL_NOT_SPOKEN)$/,
    ear: ({ server }) => listen(server),
    credentials: () => ({}),
  },
];

async function codeOf(
  kind: ServerKind,
  port: number,
  more: Record<string, unknown>,
): Promise<{ code: unknown; ms: number }> {
  const credentials = { MQTT_BROKER: "localhost", MQTT_PORT: port, ...more };
  await using server = await PlainServer.start({ kind, credentials });
  const start = performance.now();
  const { success, code } = await server.call("publish", { topic: "a", message: "m" });
  assertEquals(success, false);
  return { code, ms: performance.now() - start };
}

testEachKind(
  "each cause of a failed TLS connection is named in time, and no CONNECT was sent",
  async (kind) => {
    await using certificates = await makeCertificates();
    const said: string[] = [];
    for (const row of ROWS.filter(({ causeless }) => !causeless)) await check(row);
    // Together, since each of them may wait as long as a call does.
    const causeless = ROWS.filter((row) => row.causeless);
    await Promise.all(causeless.slice(0, kind === "source" ? 3 : amount(3, 0)).map(check));
    report(9, `${kind}: ${said.join("; ")}`);

    async function check({ name, code, ear, credentials, firstByte, causeless }: Row) {
      await using other = await ear(certificates);
      const seen = await codeOf(kind, other.port, credentials(certificates));
      const label = `${name} (${kind})`;
      said.push(`${name}: ${seen.code} after ${seen.ms.toFixed(0)} ms`);
      const silent = causeless && kind === "compiled" && seen.code === "CONNECTION_CLOSED";
      if (!silent) {
        assertMatch(String(seen.code), code, label);
        assertLess(seen.ms, NAMED_MS, label);
      }
      const first = other.heard.all.map(([byte]) => byte);
      assertEquals(first.filter((byte) => byte !== firstByte), [], label);
    }
  },
);

testEachKind(
  "where all is well CONNECT is heard, so that its absence means something",
  async (kind) => {
    await using certificates = await makeCertificates();
    await using ear = await listen(certificates.server);
    const tls = { MQTT_TLS: true, MQTT_CA: certificates.ca.cert };
    const credentials = { MQTT_BROKER: "localhost", MQTT_PORT: ear.port, ...tls };
    await using server = await PlainServer.start({ kind, credentials });
    const [first] = await ear.heard.next();
    assertEquals(first, CONNECT);
    assertEquals(server.over, false);
  },
);
