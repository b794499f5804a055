import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { type Lock, lockedPackages } from "../../scripts/release/lock.ts";
import { billOfMaterials, type Ingredients } from "../../scripts/release/sbom.ts";
import { thirdPartyLicenses } from "../../scripts/release/shipped.ts";
import { readSums, sumsText } from "../../scripts/release/sums.ts";

const test = (name: string, fn: () => void | Promise<void>): void =>
  Deno.test({ name, permissions: "none", fn });

const LOCK: Lock = {
  version: "5",
  jsr: { "@std/assert@1.0.0": { integrity: "00ff" } },
  npm: {
    "@scope/a@1.0.0_zod@4.0.0": { integrity: "sha512-AP8=", dependencies: ["b_c", "zod"] },
    "@scope/a@1.0.0_zod@3.0.0": { integrity: "sha512-AP8=", dependencies: ["zod@3.0.0"] },
    "b_c@2.0.0": { integrity: "sha512-AP8=", dependencies: ["alias@npm:zod@3.0.0"] },
    "zod@3.0.0": { integrity: "sha512-AP8=" },
    "zod@4.0.0": { integrity: "sha512-AP8=" },
  },
};

test("the packages of a lock file are read, peers, aliases and bare names included", () => {
  const found = lockedPackages({ ...LOCK, npm: { ...LOCK.npm } });
  assertEquals(found.map(({ name, version, dependencies }) => [name, version, dependencies]), [
    ["@std/assert", "1.0.0", []],
    ["@scope/a", "1.0.0", ["npm:b_c@2.0.0", "npm:zod@3.0.0"]],
    ["b_c", "2.0.0", ["npm:zod@3.0.0"]],
    ["zod", "3.0.0", []],
    ["zod", "4.0.0", []],
  ]);
});

test("a lock file of another version, or with a hole, is refused", () => {
  assertThrows(() => lockedPackages({ version: "6" }), Error, "of version 6");
  const npm = { "a@1.0.0": { integrity: "", dependencies: ["b"] } };
  assertThrows(() => lockedPackages({ version: "5", npm }), Error, "no npm b");
  assertThrows(() => lockedPackages({ version: "5", npm: { a: npm["a@1.0.0"] } }), Error, '"a"');
});

const INGREDIENTS: Ingredients = {
  product: { name: "product", version: "0.1.0", license: "MIT" },
  deno: "2.9.6",
  locked: lockedPackages(LOCK),
  shipped: [{ name: "@scope/a", version: "1.0.0", license: "(MIT OR Apache-2.0)" }],
};

test("the SBOM marks what is in the binary, and what only builds or tests it", async () => {
  const { components, dependencies, serialNumber } = await billOfMaterials(INGREDIENTS) as {
    components: Record<string, unknown>[];
    dependencies: { ref: string; dependsOn?: string[] }[];
    serialNumber: string;
  };
  assertEquals(components.map(({ purl, scope }) => [purl, scope]), [
    ["pkg:github/denoland/deno@v2.9.6", "required"],
    ["pkg:jsr/%40std/assert@1.0.0", "excluded"],
    ["pkg:npm/%40scope/a@1.0.0", "required"],
    ["pkg:npm/b_c@2.0.0", "excluded"],
    ["pkg:npm/zod@3.0.0", "excluded"],
    ["pkg:npm/zod@4.0.0", "excluded"],
  ]);
  const [, jsr, scoped] = components;
  assertEquals(jsr?.hashes, [{ alg: "SHA-256", content: "00ff" }]);
  assertEquals([scoped?.group, scoped?.name], ["@scope", "a"]);
  assertEquals(scoped?.hashes, [{ alg: "SHA-512", content: "00ff" }]);
  assertEquals(scoped?.licenses, [{ expression: "(MIT OR Apache-2.0)" }]);
  assertEquals(dependencies[0], {
    ref: "pkg:generic/product@0.1.0",
    dependsOn: ["pkg:github/denoland/deno@v2.9.6", "pkg:npm/%40scope/a@1.0.0"],
  });
  assertMatch(serialNumber, /^urn:uuid:\w{8}-\w{4}-8\w{3}-[89ab]\w{3}-\w{12}$/);
});

test("equal ingredients give an equal SBOM, others another serial number", async () => {
  const serial = async (more: Partial<Ingredients>) =>
    (await billOfMaterials({ ...INGREDIENTS, ...more })).serialNumber;
  assertEquals(await serial({}), await serial({}));
  assertEquals(await serial({ deno: "2.9.7" }) === await serial({}), false);
});

test("nothing can be in the binary that the lock file does not have", async () => {
  const shipped = [{ name: "stray", version: "1.0.0", license: "MIT" }];
  await assertRejects(() => billOfMaterials({ ...INGREDIENTS, shipped }), Error, "npm:stray@1.0.0");
});

test("the licences of what is in the binary are handed on", () => {
  const one = { name: "a", version: "1.0.0", license: "ISC" };
  const text = thirdPartyLicenses([
    { ...one, licenseText: "The ISC License\n" },
    { ...one, name: "b", licenseText: "" },
  ], "2.9.6");
  assertMatch(text, /Deno 2\.9\.6[^]*\na 1\.0\.0 \(ISC\)\n\nThe ISC License\n/);
  assertMatch(text, /b 1\.0\.0 \(ISC\)\n\nThis package carries no licence text/);
});

test("sums are written as they are read", () => {
  const sums = [["a.txt", "0".repeat(64)], ["b", "f".repeat(64)]] as const;
  assertEquals([...readSums(sumsText(sums))], sums.map((pair) => [...pair]));
  assertThrows(() => readSums("no sum"), Error, '"no sum"');
});
