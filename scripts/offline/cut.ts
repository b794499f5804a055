/**
 * Takes the program that `deno compile` put into an executable out of it again.
 *
 * @module
 */

const TRAILER_BYTES = 24;
const TRAILER_MAGIC = "d3n0l4nd";

/**
 * Cuts an ELF executable: payload and trailer (magic, 8 bytes of hash, payload length) are its end.
 *
 * @throws {Error} if there is no such trailer
 */
export function cutElf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const trailer = bytes.subarray(-TRAILER_BYTES);
  const magic = new TextDecoder().decode(trailer.subarray(0, TRAILER_MAGIC.length));
  if (trailer.length < TRAILER_BYTES || magic !== TRAILER_MAGIC) {
    throw new Error("Cannot cut the executable: it has no trailer of deno compile");
  }
  const payload = Number(viewOf(trailer).getBigUint64(16, true));
  if (payload > bytes.length - TRAILER_BYTES) {
    throw new Error("Cannot cut the executable: its trailer names more bytes than there are");
  }
  return bytes.slice(0, bytes.length - TRAILER_BYTES - payload);
}

const SENTINEL = [...new TextEncoder().encode("<~sui-data~>"), 0xef, 0xbe, 0xad, 0xde];

/**
 * Cuts an executable for Intel macOS: the program is its end, behind a sentinel. The sizes in its
 * header are left stale; the compiler sets them from the file's length.
 *
 * @throws {Error} if there is no sentinel
 */
export function cutIntelMac(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const first = SENTINEL[0] ?? 0;
  for (let at = bytes.lastIndexOf(first); at > 0; at = bytes.lastIndexOf(first, at - 1)) {
    if (SENTINEL.every((byte, i) => bytes[at + i] === byte)) return bytes.slice(0, at);
  }
  throw new Error("Cannot cut the executable: it has no sentinel of deno compile");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
