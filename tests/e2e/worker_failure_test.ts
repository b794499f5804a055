import { assert, assertEquals, assertLess, assertMatch, assertNotEquals } from "@std/assert";
import { copyCheckout } from "../support/checkout.ts";
import { freePort } from "../support/ports.ts";
import { handshake } from "../support/sdk_client.ts";
import { credentialsFor, HAS_SIGNALS, spawnServer } from "../support/server_process.ts";

const SECRET = "s3cret-of-the-broken-worker";

/** Credentials with a secret that the broken halves try to give away. */
function credentials(): Record<string, unknown> {
  const nobody = { hostname: "127.0.0.1", port: freePort() };
  return credentialsFor(nobody, { MQTT_USER: "u", MQTT_PASS: SECRET, LOG_LEVEL: "DEBUG" });
}

/** A `src/serve.ts` that is broken in one of its parts; `config.password` is the secret. */
function brokenServe(parts: { load?: string; serve?: string; begin?: string }): string {
  return `${parts.load ?? ""}
export function serve(config, _rest, _streams) {
  ${parts.serve ?? ""}
  return {
    async begin() { ${parts.begin ?? ""} },
    clientGone: new Promise(() => {}),
    stop: () => Promise.resolve(),
  };
}
`;
}

for (
  const [how, replaced] of [
    ["throws while it loads", { "src/serve.ts": brokenServe({ load: "throw new Error('x');" }) }],
    ["imports what is not there", { "src/worker.ts": `import "./not_there.ts";` }],
    ["never says that it is ready", { "src/worker.ts": `self.onmessage = () => {};` }],
    ["throws at the start", {
      "src/serve.ts": brokenServe({ serve: "throw new Error(config.password);" }),
    }],
  ] as const
) {
  Deno.test(`a worker that ${how} ends in +ERR and exit 1, within the parent's 5 s`, async () => {
    await using checkout = await copyCheckout(replaced);
    await using server = spawnServer({ kind: "worker", root: checkout.root });
    await server.lines.next();
    const start = performance.now();
    await server.writeJson(credentials());
    const { code, at } = await server.exited();
    assertLess(at - start, 5_000);
    assertEquals(code, 1);
    assertMatch(server.stdoutText, /^\+READY\n\+ERR INTERNAL[^\n]*\n$/);
    assertMatch(server.stderrText, / ERROR .+\n/);
    assert(!server.stderrText.includes(SECRET), server.stderrText);
  });
}

for (
  const [how, begin] of [
    ["throws", "setTimeout(() => { throw new Error(config.password); });"],
    ["rejects", "Promise.reject(new Error(config.password));"],
    ["fails to begin", "throw new Error(config.password);"],
    ["throws a text", "setTimeout(() => { throw config.password; });"],
    ["runs out of stack", "setTimeout(function f() { f(); f(); });"],
  ] as const
) {
  for (const kind of ["worker", "source"] as const) {
    const name = `a confined half that ${how} ends the process with a line on stderr (${kind})`;
    Deno.test(name, async () => {
      await using checkout = await copyCheckout({ "src/serve.ts": brokenServe({ begin }) });
      await using server = spawnServer({ kind, root: checkout.root });
      await handshake(server, credentials());
      const { code } = await server.exited();
      assertNotEquals(code, 0);
      assertEquals(server.stdoutText, "+READY\n+OK\n");
      assertMatch(server.stderrText, / ERROR .+\n/);
      assert(!server.stderrText.includes(SECRET), server.stderrText);
    });
  }
}

const hung = "a worker that hangs does not keep the process from ending at SIGTERM";
Deno.test(hung, { ignore: !HAS_SIGNALS }, async () => {
  await using checkout = await copyCheckout({
    "src/serve.ts": brokenServe({ begin: "for (;;);" }),
  });
  await using server = spawnServer({ kind: "worker", root: checkout.root });
  await handshake(server, credentials());
  const start = performance.now();
  server.signal("SIGTERM");
  const { code, at } = await server.exited();
  assertEquals(code, 0);
  assertLess(at - start, 1_000);
});
