import { assertEquals, assertRejects } from "@std/assert";
import { nameByContent } from "../../scripts/compile/stable_names.ts";

/** Writes the files, names the chunks, and returns what is there then. */
async function named(files: Record<string, string>): Promise<Record<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "mqtt-smcp-names-" });
  try {
    await Deno.mkdir(`${folder}/src`);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await nameByContent(folder);
    const after: Record<string, string> = {};
    for (const under of ["", "src/"]) {
      for await (const { name, isFile } of Deno.readDir(`${folder}/${under}`)) {
        if (isFile) after[under + name] = await Deno.readTextFile(`${folder}/${under}${name}`);
      }
    }
    return after;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function bundle(a: string, b: string): Record<string, string> {
  return {
    "main.js": `import("./chunk-${a}.js");import"./serve-${b}.js";`,
    "src/worker.js": `import"../chunk-${a}.js";`,
    [`chunk-${a}.js`]: `import"./serve-${b}.js";export{one};`,
    [`serve-${b}.js`]: "export{two};",
  };
}

Deno.test("two bundles that differ in the chunks' names only become one and the same", async () => {
  const first = await named(bundle("AAAAAAAA", "BBBBBBBB"));
  assertEquals(await named(bundle("7777CCCC", "DDDD2222")), first);
  const chunk = Object.keys(first).find((name) => name.startsWith("chunk-")) ?? "";
  assertEquals(first["src/worker.js"], `import"../${chunk}";`);
});

Deno.test("a chunk's name follows its content", async () => {
  const names = async (two: string) => {
    const files = bundle("AAAAAAAA", "BBBBBBBB");
    return Object.keys(await named({ ...files, "serve-BBBBBBBB.js": two })).sort();
  };
  assertEquals(JSON.stringify(await names("a")) === JSON.stringify(await names("b")), false);
});

Deno.test("chunks that no content tells apart are refused", async () => {
  const files = { "chunk-AAAAAAAA.js": "export{};", "chunk-BBBBBBBB.js": "export{};" };
  await assertRejects(() => named(files), Error, "two of them are equal");
});
