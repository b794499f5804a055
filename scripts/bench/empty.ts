/**
 * The program that the product is measured against: says one line, then returns what it reads.
 *
 * @module
 */

/** Writes all the bytes, since a pipe may take a part only. */
async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await Deno.stdout.write(rest));
}

await writeAll(new TextEncoder().encode("+READY\n"));
const buffer = new Uint8Array(65_536);
for (let n = await Deno.stdin.read(buffer); n !== null; n = await Deno.stdin.read(buffer)) {
  await writeAll(buffer.subarray(0, n));
}
