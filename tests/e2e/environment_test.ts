import { assert, assertEquals } from "@std/assert";
import { type AedesBroker, startAedes } from "../support/aedes.ts";
import { makeCertificates } from "../support/certificates.ts";
import { callTool, sdkClient } from "../support/sdk_client.ts";
import {
  credentialsFor,
  type ServerKind,
  spawnServer,
  testEachKind,
} from "../support/server_process.ts";

// SECURITY.md says what these variables do. They act on the runtime, not on the program, and no
// permission stands in their way: whoever can set them has the parent's power anyhow.

/** How a publish over TLS goes with these variables set, when the broker's CA is a private one. */
async function publish(
  kind: ServerKind,
  broker: AedesBroker,
  env: Record<string, string>,
): Promise<unknown> {
  await using server = spawnServer({ kind, env });
  const client = await sdkClient(server, credentialsFor(broker, { MQTT_TLS: true }));
  const { data } = await callTool(client, "publish", { topic: "a", message: "b" });
  return data.success || data["code"];
}

testEachKind("a private CA is trusted through DENO_CERT or DENO_TLS_CA_STORE", async (kind) => {
  await using certificates = await makeCertificates();
  await using broker = await startAedes({ tls: certificates.server });
  const { certFile } = certificates.ca;
  assertEquals(await publish(kind, broker, {}), "TLS_UNTRUSTED");
  assertEquals(await publish(kind, broker, { DENO_CERT: certFile }), true);
  const store = { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: certFile };
  assertEquals(await publish(kind, broker, store), true);
});

testEachKind("SSLKEYLOGFILE makes the runtime open a file, for the keys of TLS", async (kind) => {
  await using certificates = await makeCertificates();
  await using broker = await startAedes({ tls: certificates.server });
  const keys = `${certificates.folder}/keys.log`;
  const env = { DENO_CERT: certificates.ca.certFile, SSLKEYLOGFILE: keys };
  assertEquals(await publish(kind, broker, env), true);
  // Deno 2.7.11 writes the keys there; 2.9.6 makes the file and leaves it empty.
  assert((await Deno.stat(keys)).isFile);
});

testEachKind("NODE_TLS_REJECT_UNAUTHORIZED=0 does not turn verification off", async (kind) => {
  await using certificates = await makeCertificates();
  await using broker = await startAedes({ tls: certificates.server });
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  assertEquals(await publish(kind, broker, env), "TLS_UNTRUSTED");
});

testEachKind("no variable of the environment is a credential or an option", async (kind) => {
  await using broker = await startAedes();
  const env = { MQTT_BROKER: "other.invalid", MQTT_PASS: "x", LOG_LEVEL: "DEBUG" };
  await using server = spawnServer({ kind, env });
  const client = await sdkClient(server, credentialsFor(broker));
  const { data } = await callTool(client, "publish", { topic: "a", message: "b" });
  assertEquals(data.success, true);
  assertEquals(broker.connects.at(-1)?.password, undefined);
  assert(!server.stderrText.includes("DEBUG"));
});
