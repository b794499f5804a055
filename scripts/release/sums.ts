/** A file's SHA-256, in hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}

/** What `sha256sum -c` reads. */
export function sumsText(sums: readonly (readonly [file: string, sum: string])[]): string {
  return sums.map(([file, sum]) => `${sum}  ${file}\n`).join("");
}

/**
 * The files and sums of such a text.
 *
 * @throws {Error} if a line is not one
 */
export function readSums(text: string): Map<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => {
    const [, sum, file] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line) ?? [];
    if (sum === undefined || file === undefined) throw new Error(`Cannot read the sum "${line}"`);
    return [file, sum];
  }));
}
