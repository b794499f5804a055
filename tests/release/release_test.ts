import { assert, assertArrayIncludes, assertEquals } from "@std/assert";
import { type Target, TARGETS } from "../../scripts/compile/targets.ts";
import { BOUNDED_VARIABLE } from "../../scripts/lib/suite.ts";
import { faults, inspect } from "../../scripts/release/inspect.ts";
import { smoke, type SmokeBroker, smokeBroker, USER } from "../../scripts/release/smoke.ts";
import { readSums, sha256 } from "../../scripts/release/sums.ts";
import { PRODUCT } from "../../src/version.ts";
import { startAedes } from "../support/aedes.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectPeer } from "../support/mqtt_client.ts";
import { requireOrIgnore } from "../support/tools.ts";
import { buildTwice } from "./builds.ts";
import { type Runner, runners } from "./runners.ts";

const bounded = Deno.env.get(BOUNDED_VARIABLE) === "1";
const targets = TARGETS.filter((target) => !bounded || target.includes("linux"));

function binary(folder: string, target: Target): string {
  return `${folder}/${PRODUCT.name}-${target}${target.includes("windows") ? ".exe" : ""}`;
}

Deno.test("a release", async (t) => {
  await using builds = await buildTwice(targets);
  const [folder, other] = builds.folders;
  const sums = readSums(await Deno.readTextFile(`${folder}/SHA256SUMS`));

  for (const target of targets) {
    const path = binary(folder, target);
    await t.step(`${target}: two builds in different folders are equal`, async () => {
      assertEquals(await sha256(path), await sha256(binary(other, target)));
    });
    await t.step(
      `${target}: it is for that system, and has our program, which may only use the network`,
      async () => {
        const found = inspect(await Deno.readFile(path));
        assertEquals(faults(found, target), []);
        assertEquals(found.program?.entry, "main.js");
        assertArrayIncludes(found.program?.files ?? [], ["main.js", "worker.js", "worker.ts"]);
        assert(found.program?.files.every((name) => /\.(js|ts)$/.test(name)));
      },
    );
  }

  await t.step("SHA256SUMS has every other file, and is the same in both builds", async () => {
    const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assertEquals([...sums.keys()].sort(), files.filter((name) => name !== "SHA256SUMS").sort());
    for (const [file, sum] of sums) assertEquals(await sha256(`${folder}/${file}`), sum, file);
    assertEquals(readSums(await Deno.readTextFile(`${other}/SHA256SUMS`)), sums);
  });

  await t.step("the SBOM says what is in the binary and what is not", async () => {
    const scopes = await sbomScopes(`${folder}/${PRODUCT.name}.cdx.json`);
    for (const name of ["deno", "mqtt", "mqtt-packet", "sdk", "zod"]) {
      assertEquals(scopes.get(name), "required", name);
    }
    // The SDK depends on express and aedes is for tests: neither is reached from main.ts.
    for (const name of ["express", "aedes", "x509", "assert", "cli"]) {
      assertEquals(scopes.get(name), "excluded", name);
    }
  });

  for (const runner of runners().filter(({ target }) => targets.includes(target))) {
    await t.step({
      name: `${runner.target}: handshake and publish to Aedes, ${runner.how}`,
      ignore: runner.ignore,
      fn: () => smokeOnAedes(runner, folder),
    });
    await t.step({
      name: `${runner.target}: handshake and publish to Mosquitto, ${runner.how}`,
      ignore: runner.ignore || requireOrIgnore("mosquitto"),
      fn: () => smokeOnMosquitto(runner, folder),
    });
  }
});

async function sbomScopes(path: string): Promise<Map<string, string>> {
  const { components } = JSON.parse(await Deno.readTextFile(path)) as {
    components: { name: string; scope: string }[];
  };
  return new Map(components.map(({ name, scope }) => [name, scope]));
}

async function smokeOnAedes({ command, target }: Runner, folder: string): Promise<void> {
  await using broker = await startAedes({ authenticate: USER });
  await smoke(command(binary(folder, target)), smokeBroker(broker));
}

async function smokeOnMosquitto({ command, target }: Runner, folder: string): Promise<void> {
  await using mosquitto = await startMosquitto({ users: { [USER.username]: USER.password } });
  const { hostname, port } = mosquitto;
  await using peer = await connectPeer(`mqtt://${hostname}:${port}`, { ...USER });
  await peer.subscribe("#");
  const broker: SmokeBroker = {
    hostname,
    port,
    async published() {
      const { topic, text: payload } = await peer.messages.next();
      return { topic, payload };
    },
  };
  await smoke(command(binary(folder, target)), broker);
}
