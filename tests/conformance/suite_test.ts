import { assert, assertEquals, assertMatch } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { handshake } from "../support/sdk_client.ts";
import {
  credentialsFor,
  ignoreKind,
  ROOT,
  type ServerProcess,
  spawnCommand,
  spawnServer,
} from "../support/server_process.ts";
import { HttpBridge } from "./bridge.ts";
import { writeOutcomes } from "./outcomes.ts";
import { type Entry, notApplicableTo } from "./scenarios.ts";
import { faultsOf, runSuite, type SuiteRun } from "./suite.ts";

/** How many scenarios for servers the pinned release of the suite has. */
const SCENARIOS = 32;

const FIXTURE = `${ROOT}tests/conformance/fixture/main.ts`;

/** With it, what the test itself has loaded is enough, and nothing is fetched. */
const LOCK = [`--lock=${ROOT}deno.lock`, "--frozen", "--cached-only"];

function startFixture(): Promise<ServerProcess> {
  // No permission at all: a part of the product that wanted one would fail here.
  const run = [Deno.execPath(), "run", "--quiet", "--no-prompt", ...LOCK, FIXTURE];
  return Promise.resolve(spawnCommand(run, "source"));
}

async function testSuite(
  t: Deno.TestContext,
  entry: Entry,
  start: () => Promise<ServerProcess>,
): Promise<void> {
  const exceptions = notApplicableTo(entry);
  const expectedFailures = [...exceptions.keys()];
  const bridge = new HttpBridge(start);
  let run: SuiteRun;
  {
    await using _ = bridge;
    run = await runSuite(bridge.url, expectedFailures);
  }
  for (const [scenario, checks] of run.scenarios) {
    const exception = exceptions.get(scenario);
    const faults = faultsOf(checks);
    if (exception === undefined) await t.step(scenario, () => assertEquals(faults, []));
    else {
      await t.step(`${scenario} does not apply, and fails as it must`, () => {
        assert(faults.length > 0, "it passes: take it off the list");
        for (const fault of faults) assertMatch(fault, new RegExp(exception.sign));
      });
    }
  }
  await t.step("the suite has run every scenario, and found what was expected", () => {
    assertEquals(run.scenarios.size, SCENARIOS);
    for (const scenario of expectedFailures) assert(run.scenarios.has(scenario), scenario);
    assertEquals(run.code, 0, run.output);
  });
  await t.step("every server wrote nothing but JSON-RPC, and ended well", () => {
    assertEquals(bridge.faults, []);
  });
  const passed = [...run.scenarios].map(([name, checks]) => [name, faultsOf(checks).length === 0]);
  await writeOutcomes(entry, Object.fromEntries(passed));
}

Deno.test("the conformance suite on its fixtures, over the product's own transport and errors", (t) =>
  testSuite(t, "fixture", startFixture));

Deno.test({
  name: "the conformance suite on the real server, with a broker",
  ignore: ignoreKind("compiled"),
  async fn(t) {
    const login = { username: "suite", password: "correct horse" };
    await using broker = await startAedes({ authenticate: login });
    const credentials = credentialsFor(broker, {
      MQTT_USER: login.username,
      MQTT_PASS: login.password,
    });
    await testSuite(t, "server", async () => {
      const server = spawnServer({ kind: "compiled" });
      await handshake(server, credentials);
      return server;
    });
  },
});
