/**
 * What a compiled binary is, read from its bytes: the system it is for, and the program that
 * `deno compile` put into it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Target } from "../compile/targets.ts";

/** What was read from a binary. */
export interface Inspection {
  /** The target its headers name; `undefined` for anything that the product is not made for. */
  target: Target | undefined;
  /** The program inside, by Deno's own metadata; `undefined` if there is none. */
  program: EmbeddedProgram | undefined;
}

/** The metadata that the binary's runtime goes by, as far as it is looked at. */
export interface EmbeddedProgram {
  /** The main module's name. */
  entry: string;
  /** The names of the files inside, in the order of the binary. */
  files: string[];
  /** Every field of the metadata. */
  metadata: Record<string, unknown>;
}

/** Stands before the metadata, whose length follows in 8 bytes, little-endian. */
const MAGIC = "d3n0l4nd";

/** How far behind the metadata the names of the files are looked for. */
const NAMES_BYTES = 16 * 1024;

const ELF_MACHINES: Record<number, Target> = {
  62: "x86_64-unknown-linux-gnu",
  183: "aarch64-unknown-linux-gnu",
};
const MACHO_MACHINES: Record<number, Target> = {
  0x01000007: "x86_64-apple-darwin",
  0x0100000c: "aarch64-apple-darwin",
};
const PE_MACHINES: Record<number, Target> = { 0x8664: "x86_64-pc-windows-msvc" };

/** Reads a binary's headers and the metadata in it. */
export function inspect(bytes: Uint8Array): Inspection {
  return { target: targetOf(bytes), program: embeddedProgram(bytes) };
}

/**
 * What is wrong with a binary of ours; nothing if it is an executable for the target that carries the
 * program, and that program may use the network and nothing else.
 *
 * @param target what it was compiled for
 */
export function faults({ target: found, program }: Inspection, target: Target): string[] {
  const list: string[] = [];
  if (found !== target) list.push(`it is for ${found ?? "no known system"}`);
  if (program === undefined) return [...list, "no program is in it"];
  if (!program.files.includes(program.entry)) list.push(`${program.entry} is not in it`);
  const { permissions, ...rest } = program.metadata;
  const { allow_net, allow_import: _, prompt, ...others } = (permissions ?? {}) as Fields;
  // An empty list is Deno's word for "everything".
  if (!Array.isArray(allow_net) || allow_net.length > 0) list.push("it may not use every network");
  if (prompt !== false) list.push("it may ask for permissions");
  for (const [name, value] of Object.entries(others)) {
    if (name.startsWith("allow_") && value !== null) list.push(`it was given ${name}`);
  }
  for (const [name, value] of Object.entries(rest)) {
    if (MUST_BE_EMPTY.includes(name) && !isEmpty(value)) list.push(`${name} is set in it`);
  }
  return list;
}

type Fields = Record<string, unknown>;

/** Metadata that would change what the program does, or write files (the code cache). */
const MUST_BE_EMPTY = [
  "argv",
  "code_cache_key",
  "ca_stores",
  "ca_data",
  "unsafely_ignore_certificate_errors",
  "env_vars_from_env_file",
  "preload_modules",
  "require_modules",
  "self_extracting",
];

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

function targetOf(bytes: Uint8Array): Target | undefined {
  if (bytes.length < 64) return undefined;
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // \x7fELF, 64 bits, little-endian.
  if (head.getUint32(0) === 0x7f454c46 && head.getUint16(4) === 0x0201) {
    return ELF_MACHINES[head.getUint16(18, true)];
  }
  const MH_EXECUTE = 2;
  if (head.getUint32(0, true) === 0xfeedfacf && head.getUint32(12, true) === MH_EXECUTE) {
    return MACHO_MACHINES[head.getUint32(4, true)];
  }
  const isMz = head.getUint16(0) === 0x4d5a;
  const at = isMz ? head.getUint32(0x3c, true) : bytes.length;
  if (at + 6 > bytes.length || head.getUint32(at) !== 0x50450000) return undefined;
  return PE_MACHINES[head.getUint16(at + 4, true)];
}

function embeddedProgram(bytes: Uint8Array): EmbeddedProgram | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The runtime's own code holds the magic bytes too, without metadata behind them.
  for (let at = buffer.indexOf(MAGIC); at >= 0; at = buffer.indexOf(MAGIC, at + 1)) {
    const start = at + MAGIC.length + 8;
    if (buffer[start] !== 0x7b) continue;
    const end = start + Number(buffer.readBigUInt64LE(start - 8));
    if (end > buffer.length) continue;
    const metadata = JSON.parse(buffer.toString("utf8", start, end));
    const names = buffer.toString("latin1", end, end + NAMES_BYTES);
    const files = [...names.matchAll(/"File":\{"n":"([^"]+)"/g)].map(([, name = ""]) => name);
    return { entry: String(metadata.entrypoint_key), files, metadata };
  }
  return undefined;
}
