/**
 * A copy of the product's source to break on purpose.
 *
 * @module
 */

import { ROOT } from "./server_process.ts";

/** A temporary copy of main.ts and src/, gone when disposed. */
export interface Checkout extends AsyncDisposable {
  /** The folder, with a slash at its end. */
  readonly root: string;
}

/** Copies the product's source, with some files replaced by other text. */
export async function copyCheckout(
  replaced: Readonly<Record<string, string>> = {},
): Promise<Checkout> {
  const root = `${await Deno.makeTempDir({ prefix: "mqtt-smcp-checkout-" })}/`;
  for (const file of ["deno.json", "deno.lock", "main.ts"]) {
    await Deno.copyFile(`${ROOT}${file}`, `${root}${file}`);
  }
  await copyFolder("src", root);
  for (const [file, text] of Object.entries(replaced)) {
    await Deno.writeTextFile(`${root}${file}`, text);
  }
  return {
    root,
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(root, { recursive: true });
    },
  };
}

async function copyFolder(folder: string, root: string): Promise<void> {
  await Deno.mkdir(`${root}${folder}`);
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await copyFolder(path, root);
    else await Deno.copyFile(`${ROOT}${path}`, `${root}${path}`);
  }
}
