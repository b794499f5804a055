import { assert, assertArrayIncludes, assertEquals, assertMatch } from "@std/assert";
import { TARGETS } from "../scripts/compile/targets.ts";
import { PRODUCT } from "../src/version.ts";
import { ROOT } from "./support/server_process.ts";

/** What the registry's schema of 2025-12-11 lets a server say of itself. */
const KEYS = [
  "$schema",
  "_meta",
  "description",
  "icons",
  "name",
  "packages",
  "remotes",
  "repository",
  "title",
  "version",
  "websiteUrl",
];

const OURS = "io.modelcontextprotocol.registry/publisher-provided";

interface ServerJson {
  readonly $schema: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly packages?: readonly { registryType: string; fileSha256?: string }[];
  readonly _meta: { readonly [OURS]: { readonly targets: readonly string[] } };
}

const server: ServerJson = await readJson("server.json");

async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(`${ROOT}${name}`));
}

Deno.test("server.json, deno.json and the program itself tell one name and version", async () => {
  const { name, version } = await readJson<{ name: string; version: string }>("deno.json");
  assertEquals({ name, version }, PRODUCT);
  assertEquals(server.version, PRODUCT.version);
  assertEquals(server.name.split("/")[1], PRODUCT.name);
});

Deno.test("server.json keeps to the registry's schema", () => {
  assertMatch(server.$schema, /^https:\/\/static\.modelcontextprotocol\.io\/schemas\/2025-12-11\//);
  assertArrayIncludes(KEYS, Object.keys(server));
  assertMatch(server.name, /^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
  assert(server.name.length <= 200);
  assert(server.title.length <= 100);
  assert(server.description.length >= 1 && server.description.length <= 100);
  assertMatch(server.version, /^\d+\.\d+\.\d+(-[\w.]+)?$/);
  for (const { registryType, fileSha256 } of server.packages ?? []) {
    assertEquals(registryType, "mcpb");
    assertMatch(fileSha256 ?? "", /^[a-f0-9]{64}$/);
  }
  // The registry refuses more than 4 KiB of a publisher's own.
  assert(JSON.stringify(server._meta[OURS]).length <= 4_096);
});

Deno.test("server.json names the systems that the product is compiled for", () => {
  assertEquals(server._meta[OURS].targets, [...TARGETS]);
});

Deno.test("every test that SECURITY.md names is there", async () => {
  const text = await Deno.readTextFile(`${ROOT}SECURITY.md`);
  const named = new Set(text.match(/tests\/[\w/]+\.ts/g));
  assert(named.size > 0);
  for (const path of named) assert((await Deno.stat(`${ROOT}${path}`)).isFile, path);
});
