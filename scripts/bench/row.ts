import { type Sample, summarize } from "./statistics.ts";

/** One row of the table: the product against what it is measured by. */
export interface Row {
  readonly name: string;
  readonly unit: "µs" | "ms" | "MB" | "a second";
  readonly product: Sample;
  /** What the product is measured by, in words. */
  readonly against: string;
  readonly base: Sample;
  /** How the two compare, round by round: as a quotient, or as a difference in `unit`. */
  readonly by: "ratio" | "difference";
  readonly comparison: Sample;
  /** Whether the mark is the most or the least that the comparison may come to. */
  readonly goal: "at most" | "at least";
  /** Null for a row that only tells. */
  readonly mark: number | null;
}

/** A row before it is summed up: what each round measured. */
export interface Rounds extends Pick<Row, "name" | "unit" | "against" | "mark"> {
  readonly product: readonly number[];
  /** Of the same rounds. */
  readonly base: readonly number[];
  /** @default "ratio" */
  readonly by?: Row["by"];
  /** @default "at most" */
  readonly goal?: Row["goal"];
}

/**
 * Sums up the rounds of a row. Product and base are compared within each round, so that a machine
 * that is slow for a while is so for both.
 *
 * @throws {Error} when there is none, or product and base were not measured equally often
 */
export function toRow({ by = "ratio", goal = "at most", ...rounds }: Rounds): Row {
  if (rounds.product.length !== rounds.base.length) {
    throw new Error(`Cannot compare: ${rounds.name} has rounds without a base`);
  }
  const compared = rounds.product.map((product, round) => {
    const base = rounds.base[round] ?? NaN;
    return by === "ratio" ? product / base : product - base;
  });
  return {
    ...rounds,
    by,
    goal,
    product: summarize(rounds.product),
    base: summarize(rounds.base),
    comparison: summarize(compared),
  };
}
