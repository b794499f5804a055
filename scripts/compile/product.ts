import { type Compiled, compileProgram, type Program } from "./program.ts";

/**
 * Flags of the engine that keep the memory of a long-lived, mostly waiting process small: a young
 * generation of 4 MB, an old one that is collected when it has grown by half, and one optimizing
 * compiler, which works in the thread whose code it is. By `deno task bench` they take some 40 MB off
 * the process after 100,000 messages. A smaller young generation would save a few more, and cost
 * much where many messages wait.
 */
const V8_FLAGS = [
  "--max-semi-space-size=4",
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
