const encoder = new TextEncoder();

/**
 * Prints one line on stdout. Scripts print through this, so that `console` can be forbidden
 * everywhere: the product's stdout belongs to the protocol.
 *
 * @param line the text, without its newline
 */
export function print(line = ""): void {
  writeWhole(Deno.stdout, `${line}\n`);
}

/**
 * Prints one line on stderr.
 *
 * @param line the text, without its newline
 */
export function printError(line: string): void {
  writeWhole(Deno.stderr, `${line}\n`);
}

/**
 * Prints on stderr what a script failed of.
 *
 * @returns the exit code given, for the script to end with
 */
export function complain(error: unknown, code: number): number {
  printError(error instanceof Error ? error.message : String(error));
  return code;
}

function writeWhole(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  // A pipe may take a part only.
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}
