import { CACHE } from "./paths.ts";

/** Environment variable that, set to `1`, makes a suite do everything, but less often. */
export const BOUNDED_VARIABLE = "SUITE_BOUNDED";

/** The arguments of a suite. */
export interface SuiteArgs {
  /** Whether `--bounded` was among them. */
  readonly bounded: boolean;
  /** What tells the tests of it. */
  readonly env: Record<string, string>;
  /** The others. */
  readonly rest: string[];
}

/** Takes `--bounded` out of a suite's arguments. */
export function suiteArgs(args: readonly string[]): SuiteArgs {
  const rest = args.filter((arg) => arg !== "--bounded");
  const bounded = rest.length < args.length;
  return { bounded, env: bounded ? { [BOUNDED_VARIABLE]: "1" } : {}, rest };
}

/** The folder of this name in `.cache`, without a file in it; for what the tests of a suite write. */
export async function emptyFolder(name: string): Promise<string> {
  const folder = `${CACHE}/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name } of Deno.readDir(folder)) await Deno.remove(`${folder}/${name}`);
  return folder;
}
