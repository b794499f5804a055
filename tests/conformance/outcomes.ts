/**
 * What a run saw: left by the tests, and made into a page.
 *
 * @module
 */

/** Environment variable that names the folder which outcomes are left in; without it they are not. */
export const OUTCOMES_VARIABLE = "CONFORMANCE_OUTCOMES";

/** By scenario, whether it passes. */
export type SuiteOutcomes = Readonly<Record<string, boolean>>;

/** By what the inspector was told to do, what it saw. */
export type InspectorOutcomes = Readonly<Record<string, string>>;

/** All that a run leaves; what did not take part is not there. */
export interface Outcomes {
  readonly fixture?: SuiteOutcomes;
  readonly server?: SuiteOutcomes;
  readonly inspector?: InspectorOutcomes;
}

/** Leaves outcomes for whoever started the run, if that wants them. */
export async function writeOutcomes<K extends keyof Outcomes>(
  part: K,
  outcomes: NonNullable<Outcomes[K]>,
): Promise<void> {
  const folder = Deno.env.get(OUTCOMES_VARIABLE);
  if (folder === undefined) return;
  await Deno.writeTextFile(`${folder}/${part}.json`, JSON.stringify(outcomes));
}

/** What a run left in `folder`. */
export async function readOutcomes(folder: string): Promise<Outcomes> {
  const parts: [string, unknown][] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    parts.push([name.replace(/\.json$/, ""), JSON.parse(text)]);
  }
  return Object.fromEntries(parts);
}
