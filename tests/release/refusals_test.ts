import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../scripts/lib/paths.ts";
import { run } from "../../scripts/lib/process.ts";

/** Milliseconds for a release that is refused before anything is compiled. */
const REFUSAL_MS = 60_000;

interface Refusal {
  readonly args?: string[];
  readonly env?: Record<string, string>;
  readonly code: number;
  readonly why: string;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  "a tag that is not the version": {
    args: ["--tag", "v0.0.0-none"],
    code: 1,
    why: "Cannot release v0.0.0-none: deno.json has version",
  },
  "a target that is not ours": {
    args: ["--target", "wasm32"],
    code: 2,
    why: 'Cannot compile for "wasm32"',
  },
  "a base of one's own": {
    env: { DENORT_BIN: Deno.execPath() },
    code: 1,
    why: "Cannot compile for a release: DENORT_BIN",
  },
};

for (const [name, { args = [], env = {}, code, why }] of Object.entries(REFUSALS)) {
  Deno.test(`${name} is not released`, async () => {
    const flags = ["run", "-A", "--no-config", "--no-lock", "scripts/run.ts", "release", ...args];
    const made = await run(Deno.execPath(), flags, { cwd: ROOT, env, deadlineMs: REFUSAL_MS });
    assertEquals(made.code, code);
    assertStringIncludes(made.stderr, why);
  });
}
