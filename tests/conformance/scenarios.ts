/**
 * Which scenarios of the suite do not apply, and why.
 *
 * @module
 */

import groups from "./not_applicable.json" with { type: "json" };

/** What the suite runs against: its fixtures on the product's transport, or the real server. */
export type Entry = "fixture" | "server";

/** Why some scenarios do not apply to some entries. */
export interface NotApplicable {
  readonly reason: string;
  /** A regular expression: how such a scenario fails. One that fails otherwise has found something. */
  readonly sign: string;
  readonly entries: readonly string[];
  readonly scenarios: readonly string[];
}

/** All of not_applicable.json. */
export const NOT_APPLICABLE: readonly NotApplicable[] = groups;

/** What does not apply to `entry`, by the scenario's name. */
export function notApplicableTo(entry: Entry): ReadonlyMap<string, NotApplicable> {
  const own = NOT_APPLICABLE.filter(({ entries }) => entries.includes(entry));
  return new Map(own.flatMap((group) => group.scenarios.map((name) => [name, group])));
}
