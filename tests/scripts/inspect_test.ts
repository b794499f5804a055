import { assertEquals } from "@std/assert";
import type { Target } from "../../scripts/compile/targets.ts";
import { faults, inspect } from "../../scripts/release/inspect.ts";

const test = (name: string, fn: () => void): void => Deno.test({ name, permissions: "none", fn });
const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];

/** The first bytes of an executable: 16-bit and 32-bit numbers at their offsets, little-endian. */
function header(magic: number[], u16: [at: number, value: number][], u32: typeof u16 = []) {
  const bytes = new Uint8Array(160);
  bytes.set(magic);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of u16) view.setUint16(at, value, true);
  for (const [at, value] of u32) view.setUint32(at, value, true);
  return bytes;
}

const ELF = [0x7f, ...bytesOf("ELF"), 2, 1];
const MACH_O = [0xcf, 0xfa, 0xed, 0xfe];
const HEADERS: [target: Target | undefined, bytes: Uint8Array][] = [
  ["x86_64-unknown-linux-gnu", header(ELF, [[18, 62]])],
  ["aarch64-unknown-linux-gnu", header(ELF, [[18, 183]])],
  ["x86_64-apple-darwin", header(MACH_O, [], [[4, 0x01000007], [12, 2]])],
  ["aarch64-apple-darwin", header(MACH_O, [], [[4, 0x0100000c], [12, 2]])],
  ["x86_64-pc-windows-msvc", header(bytesOf("MZ"), [[132, 0x8664]], [[0x3c, 128], [128, 0x4550]])],
  [undefined, header(ELF, [[18, 40]])],
  [undefined, header([0x7f, ...bytesOf("ELF"), 1, 1], [[18, 62]])],
  [undefined, header(MACH_O, [], [[4, 0x01000007], [12, 6]])],
  [undefined, header(bytesOf("MZ"), [], [[0x3c, 0xffffff]])],
  [undefined, header(bytesOf("#!/bin/sh"), [])],
  [undefined, new Uint8Array()],
];

test("the system of an executable is read from its headers", () => {
  for (const [target, bytes] of HEADERS) assertEquals(inspect(bytes).target, target);
});

const PERMISSIONS = { allow_env: null, allow_net: [], allow_read: null, prompt: false };
const METADATA = { argv: [], entrypoint_key: "main.js", permissions: PERMISSIONS };

/** An executable for Linux with a program in it, behind a stray copy of the magic bytes. */
function compiled(metadata: object): Uint8Array {
  const json = bytesOf(JSON.stringify(metadata));
  const length = new Uint8Array(new BigUint64Array([BigInt(json.length)]).buffer);
  const names = bytesOf(
    '[{"File":{"n":"main.js"}},{"Dir":{"n":"src","e":[{"File":{"n":"a.js"}}]}}]',
  );
  const stray = bytesOf("d3n0l4nd and more");
  const program = [...bytesOf("d3n0l4nd"), ...length, ...json, ...names];
  return new Uint8Array([...header(ELF, [[18, 62]]), ...stray, ...program]);
}

test("the program in an executable is found, and what is wrong with it is named", () => {
  const check = (metadata: object): string[] =>
    faults(inspect(compiled(metadata)), "x86_64-unknown-linux-gnu");
  const permitted = (more: object): string[] =>
    check({ ...METADATA, permissions: { ...PERMISSIONS, ...more } });
  assertEquals(inspect(compiled(METADATA)).program?.files, ["main.js", "a.js"]);
  assertEquals(check(METADATA), []);
  assertEquals(permitted({ allow_read: [] }), ["it was given allow_read"]);
  assertEquals(permitted({ allow_ffi: ["x"] }), ["it was given allow_ffi"]);
  assertEquals(permitted({ allow_net: null }), ["it may not use every network"]);
  assertEquals(permitted({ prompt: true }), ["it may ask for permissions"]);
  assertEquals(check({ ...METADATA, argv: ["--x"] }), ["argv is set in it"]);
  assertEquals(check({ ...METADATA, code_cache_key: 1 }), ["code_cache_key is set in it"]);
  assertEquals(check({ ...METADATA, entrypoint_key: "b.js" }), ["b.js is not in it"]);
});

test("an executable for another system, or without a program, is refused", () => {
  const target = "aarch64-apple-darwin";
  assertEquals(faults(inspect(compiled(METADATA)), target), ["it is for x86_64-unknown-linux-gnu"]);
  assertEquals(faults(inspect(new Uint8Array(64)), target), [
    "it is for no known system",
    "no program is in it",
  ]);
});
