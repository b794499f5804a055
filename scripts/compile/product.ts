import { type Compiled, compileProgram, type Program } from "./program.ts";

/**
 * Flags of the engine that keep the memory of a long-lived, mostly waiting process small: a young
 * generation of 1 MB, an old one that is collected when it has grown by half, and one optimizing
 * compiler, which works in the thread whose code it is. Together they take 80 MB off the process
 * after 100,000 messages, and cost no throughput that `deno task bench` could tell.
 */
const V8_FLAGS = [
  "--max-semi-space-size=1",
  "--initial-old-space-size=20",
  "--heap-growing-percent=50",
  "--no-maglev",
  "--no-concurrent-recompilation",
].join(",");

/**
 * Compiles the product.
 *
 * @param program where the binary goes, and for which system
 * @throws {Error} as {@linkcode compileProgram}
 */
export async function compileProduct(
  program: Omit<Program, "entry" | "include" | "v8Flags">,
): Promise<Compiled> {
  return await compileProgram({
    ...program,
    entry: "main.ts",
    include: ["src/worker.ts"],
    v8Flags: V8_FLAGS,
  });
}
