/**
 * The first word of the SMCP handshake. It stands alone, so that nothing else need be loaded to say it.
 *
 * @module
 */

import { type ByteWriter, writeAll } from "./lines.ts";

/** Says `+READY`: the server waits for its credentials. */
export function sayReady(output: ByteWriter): Promise<void> {
  return writeAll(output, new TextEncoder().encode("+READY\n"));
}
