/** Several measurements of one thing. */
export interface Sample {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** How many there are. */
  readonly count: number;
}

/**
 * Sums up measurements; the median of an even number is the mean of the middle two.
 *
 * @throws {Error} without any
 */
export function summarize(values: readonly number[]): Sample {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) {
    throw new Error("Cannot sum up: nothing was measured");
  }
  const middle = (sorted.length - 1) / 2;
  const [low = min, high = min] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return { median: (low + high) / 2, min, max, count: sorted.length };
}
