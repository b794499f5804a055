/**
 * What came of the rows on each broker: left by the run, and made into a table.
 *
 * @module
 */

/** Environment variable that names the folder which outcomes are left in; without it they are not. */
export const OUTCOMES_VARIABLE = "BROKER_OUTCOMES";

/** What one broker did. */
export interface Outcomes {
  readonly name: string;
  /** The broker's own version. */
  readonly version: string;
  /** By the title of the row; a row that broke off has none. */
  readonly outcomes: Readonly<Record<string, string>>;
}

/**
 * Leaves the outcomes for whoever started the run, if that wants them.
 *
 * @param place of the broker in the table, from 0
 */
export async function writeOutcomes(place: number, outcomes: Outcomes): Promise<void> {
  const folder = Deno.env.get(OUTCOMES_VARIABLE);
  if (folder === undefined) return;
  await Deno.writeTextFile(`${folder}/${place}.json`, JSON.stringify(outcomes));
}

/** What a run left in `folder`, in the order of the table. */
export async function readOutcomes(folder: string): Promise<Outcomes[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  names.sort();
  return await Promise.all(
    names.map(async (name) => JSON.parse(await Deno.readTextFile(`${folder}/${name}`))),
  );
}
