/**
 * How this machine runs a binary of a target.
 *
 * @module
 */
import type { Target } from "../../scripts/compile/targets.ts";
import { findProgram, isFile, requireAll } from "../support/tools.ts";

/** A way to run binaries of a target. */
export interface Runner {
  readonly target: Target;
  /** In words, for the test's name. */
  readonly how: string;
  /** Whether it must be skipped here, something being absent. */
  readonly ignore: boolean;
  /** The command that starts a binary. */
  command(binary: string): string[];
}

const QEMU = "qemu-aarch64-static";

/** Where Debian's cross packages put the C library of ARM64. */
const CROSS = "/usr/aarch64-linux-gnu";

/**
 * The ways of this machine: its own target, and on Linux for x86-64 that for ARM64 under QEMU, with
 * Debian's qemu-user-static, libc6-arm64-cross and libgcc-s1-arm64-cross.
 */
export function runners(): Runner[] {
  const own = Deno.build.target as Target;
  const list: Runner[] = [
    { target: own, how: "natively", ignore: false, command: (binary) => [binary] },
  ];
  if (own !== "x86_64-unknown-linux-gnu") return list;
  const there = findProgram(QEMU) !== undefined && isFile(`${CROSS}/lib/libgcc_s.so.1`);
  const flags = [
    // The default emulates pointer authentication bit by bit, which takes five times as long.
    ...["-cpu", "cortex-a72"],
    ...["-L", CROSS],
    // Else another C library for ARM64 in the system's folders gets mixed with this one, and hangs.
    ...["-E", `LD_LIBRARY_PATH=${CROSS}/lib`],
  ];
  list.push({
    target: "aarch64-unknown-linux-gnu",
    how: `under QEMU${there ? "" : `: needs ${QEMU} and ${CROSS}/lib`}`,
    ignore: !there && !requireAll(),
    command: (binary) => [findProgram(QEMU) ?? QEMU, ...flags, binary],
  });
  return list;
}
