import { assert, assertEquals } from "@std/assert";
import { standInImports } from "../../scripts/offline/resolution.ts";

interface Config {
  imports: Record<string, string>;
}

Deno.test("the stand-ins replace every JSR package of deno.json and nothing else", async () => {
  const file = new URL("../../deno.json", import.meta.url);
  const { imports } = JSON.parse(await Deno.readTextFile(file)) as Config;
  const map = standInImports(imports);
  for (const [name, specifier] of Object.entries(imports)) {
    if (!specifier.startsWith("jsr:")) {
      assertEquals(map[name], specifier);
      continue;
    }
    const target = map[name] ?? "";
    assert(target.includes("/scripts/offline/"), `${name} has no stand-in`);
    assert((await Deno.stat(new URL(target))).isFile);
  }
  assert(!Object.values(map).some((specifier) => specifier.startsWith("jsr:")));
});

Deno.test("deno.lock pins what deno.json maps to JSR", async () => {
  const read = async (name: string): Promise<string> =>
    await Deno.readTextFile(new URL(`../../${name}`, import.meta.url));
  const { imports } = JSON.parse(await read("deno.json")) as Config;
  const lock = JSON.parse(await read("deno.lock")) as {
    specifiers: Record<string, string>;
    jsr: Record<string, { integrity: string }>;
  };
  for (const specifier of Object.values(imports).filter((to) => to.startsWith("jsr:"))) {
    const version = lock.specifiers[specifier];
    const name = specifier.slice("jsr:".length).replace(/@[^@]*$/, "");
    assertEquals(lock.jsr[`${name}@${version}`]?.integrity.length, 64, specifier);
  }
});
