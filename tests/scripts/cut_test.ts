import { assertEquals, assertThrows } from "@std/assert";
import { cutElf, cutIntelMac } from "../../scripts/offline/cut.ts";
import { cutArmMac } from "../../scripts/offline/cut_arm_mac.ts";

const text = (value: string): number[] => [...new TextEncoder().encode(value)];
const u32 = (value: number): number[] => [...new Uint8Array(new Uint32Array([value]).buffer)];
const u64 = (value: number): number[] => [...u32(value), ...u32(0)];
const test = (name: string, fn: () => void): void => Deno.test({ name, permissions: "none", fn });

test("a compiled ELF file is cut where its trailer says", () => {
  const base = text("base");
  const trailer = [...text("d3n0l4nd"), 1, 2, 3, 4, 5, 6, 7, 8, ...u64(7)];
  const file = new Uint8Array([...base, ...text("payload"), ...trailer]);
  assertEquals(cutElf(file), new Uint8Array(base));
  assertThrows(() => cutElf(new Uint8Array(base)), Error, "no trailer");
  const lying = new Uint8Array([...base, ...trailer.slice(0, 16), ...u64(5)]);
  assertThrows(() => cutElf(lying), Error, "more bytes than there are");
});

test("a compiled executable for Intel macOS is cut at its last sentinel", () => {
  const sentinel = [...text("<~sui-data~>"), 0xef, 0xbe, 0xad, 0xde];
  const base = [...text("base"), ...sentinel, ...text("more")];
  const file = new Uint8Array([...base, ...sentinel, ...u64(3), 1, 2, 3]);
  assertEquals(cutIntelMac(file), new Uint8Array(base));
  assertThrows(() => cutIntelMac(new Uint8Array(text("base"))), Error, "no sentinel");
});

test("a compiled executable for ARM macOS loses its segment, and the offsets behind it move", () => {
  const cut = cutArmMac(machO(true));
  assertEquals(cut, machO(false));
  assertThrows(() => cutArmMac(machO(false)), Error, "no segment");
  assertThrows(() => cutArmMac(new Uint8Array(64)), Error, "not a 64-bit Mach-O");
});

function machO(withProgram: boolean): Uint8Array<ArrayBuffer> {
  const moved = withProgram ? 16 : 0;
  const segment = (name: string, memory: number[], file: number[]): number[] => [
    ...u32(0x19),
    ...u32(72),
    ...text(name.padEnd(16, "\0")),
    ...memory.flatMap(u64),
    ...file.flatMap(u64),
    ...new Array<number>(16).fill(0),
  ];
  const signature = [...u32(0x1d), ...u32(16), ...u32(400 + moved + 4), ...u32(4)];
  const commands = [
    ...(withProgram ? segment("__SUI", [4096, 64], [400, 16]) : []),
    ...segment("__LINKEDIT", [withProgram ? 4160 : 4096, 8], [400 + moved, 8]),
    ...signature,
  ];
  const header = [
    ...[0xfeedfacf, 0, 0, 2, withProgram ? 3 : 2, commands.length, 0, 0].flatMap(u32),
    ...commands,
  ];
  const program = withProgram ? new Array<number>(16).fill(9) : [];
  const padding = new Array<number>(400 - header.length).fill(0);
  return new Uint8Array([...header, ...padding, ...program, ...text("linkedit")]);
}
