/** A system that the product is compiled for, in Deno's notation. */
export type Target = (typeof TARGETS)[number];

/** Every system that the product is compiled for. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

/**
 * The target named by the text.
 *
 * @throws {Error} if the product is not compiled for it
 */
export function parseTarget(text: string): Target {
  const target = TARGETS.find((known) => known === text);
  if (target !== undefined) return target;
  throw new Error(`Cannot compile for "${text}": the target must be one of ${TARGETS.join(", ")}`);
}

/** What a program's file name ends with on the target. */
export function suffix(target: Target): "" | ".exe" {
  return target.includes("windows") ? ".exe" : "";
}
