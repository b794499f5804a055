const MACHO_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const LC_SEGMENT_64 = 0x19;

/** Where each load command keeps offsets into __LINKEDIT, which the cut moves. */
const LINKEDIT_OFFSETS: Record<number, number[]> = {
  0x2: [8, 16], // LC_SYMTAB
  0xb: [32, 40, 48, 56, 64, 72], // LC_DYSYMTAB
  0x1d: [8], // LC_CODE_SIGNATURE
  0x26: [8], // LC_FUNCTION_STARTS
  0x29: [8], // LC_DATA_IN_CODE
  0x2b: [8], // LC_DYLIB_CODE_SIGN_DRS
  0x2d: [8], // LC_LINKER_OPTIMIZATION_HINT
  0x22: [8, 16, 24, 32, 40], // LC_DYLD_INFO
  0x80000022: [8, 16, 24, 32, 40], // LC_DYLD_INFO_ONLY
  0x8000001e: [8], // LC_DYLD_EXPORTS_TRIE
  0x80000033: [8], // LC_DYLD_EXPORTS_TRIE, as the linker numbers it
  0x80000034: [8], // LC_DYLD_CHAINED_FIXUPS
};

/**
 * Cuts an executable for ARM macOS: the program is a segment `__SUI` right before `__LINKEDIT`, which moves
 * back to where it was. Its signature is left stale; the compiler signs anew.
 *
 * @throws {Error} if it is not such an executable
 */
export function cutArmMac(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const head = viewOf(bytes);
  if (bytes.length < HEADER_BYTES || head.getUint32(0, true) !== MACHO_64) {
    throw new Error("Cannot cut the executable: it is not a 64-bit Mach-O file");
  }
  const commands = [...loadCommands(head)];
  const segment = (name: string): number | undefined =>
    commands.find(({ kind, at }) => kind === LC_SEGMENT_64 && segmentName(bytes, at) === name)?.at;
  const sui = segment("__SUI");
  const linkedit = segment("__LINKEDIT");
  if (sui === undefined || linkedit === undefined) {
    throw new Error("Cannot cut the executable: it has no segment of deno compile");
  }
  const length = Number(head.getBigUint64(sui + 48, true));
  const start = Number(head.getBigUint64(sui + 40, true));
  const vmLength = head.getBigUint64(sui + 32, true);

  for (const { kind, at } of commands) {
    for (const offset of LINKEDIT_OFFSETS[kind] ?? []) {
      const value = head.getUint32(at + offset, true);
      if (value >= start + length) head.setUint32(at + offset, value - length, true);
    }
  }
  head.setBigUint64(linkedit + 24, head.getBigUint64(linkedit + 24, true) - vmLength, true);
  head.setBigUint64(linkedit + 40, head.getBigUint64(linkedit + 40, true) - BigInt(length), true);

  const commandBytes = head.getUint32(sui + 4, true);
  const end = HEADER_BYTES + head.getUint32(20, true);
  bytes.copyWithin(sui, sui + commandBytes, end);
  bytes.fill(0, end - commandBytes, end);
  head.setUint32(16, commands.length - 1, true);
  head.setUint32(20, end - HEADER_BYTES - commandBytes, true);

  const out = new Uint8Array(bytes.length - length);
  out.set(bytes.subarray(0, start));
  out.set(bytes.subarray(start + length), start);
  return out;
}

function* loadCommands(head: DataView): Generator<{ kind: number; at: number }> {
  let at = HEADER_BYTES;
  for (let left = head.getUint32(16, true); left > 0; left--) {
    yield { kind: head.getUint32(at, true), at };
    at += head.getUint32(at + 4, true);
  }
}

function segmentName(bytes: Uint8Array, at: number): string {
  return new TextDecoder().decode(bytes.subarray(at + 8, at + 24)).replace(/\0+$/, "");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
