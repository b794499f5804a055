/** What the bundler calls a chunk: it ends with a hash over its content and its sources' places. */
const CHUNK = /^(.+)-[A-Z0-9]{8}\.js$/;

/** The same within a text. */
const REFERENCE = /-[A-Z0-9]{8}\.js\b/g;

/**
 * Renames a bundle's chunks after their content alone, so that the same sources give the same bundle
 * wherever they, the bundle and the cache of packages lie.
 *
 * @param folder the bundle's, with the chunks in it and files that import them anywhere below
 * @throws {Error} if two chunks have the same content
 */
export async function nameByContent(folder: string): Promise<void> {
  const names = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    const [, stem] = CHUNK.exec(name) ?? [];
    if (stem === undefined) continue;
    const text = await Deno.readTextFile(`${folder}/${name}`);
    // Without the names of other chunks, which are yet to be settled.
    const hash = await sha256(text.replace(REFERENCE, ".js"));
    names.set(name, `${stem}-${hash.slice(0, 8).toUpperCase()}.js`);
  }
  if (new Set(names.values()).size < names.size) {
    throw new Error("Cannot name the chunks by content: two of them are equal");
  }
  await replaceIn(folder, names);
  for (const [from, to] of names) await Deno.rename(`${folder}/${from}`, `${folder}/${to}`);
}

async function replaceIn(folder: string, names: ReadonlyMap<string, string>): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await replaceIn(path, names);
    if (!name.endsWith(".js")) continue;
    let text = await Deno.readTextFile(path);
    for (const [from, to] of names) text = text.replaceAll(from, to);
    await Deno.writeTextFile(path, text);
  }
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}
