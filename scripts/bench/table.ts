import type { Row } from "./row.ts";
import { type Sample, summarize } from "./statistics.ts";

/** Whether the row keeps its mark, as one without a mark does. */
export function holds({ comparison, goal, mark }: Row): boolean {
  if (mark === null) return true;
  return goal === "at most" ? comparison.median <= mark : comparison.median >= mark;
}

/** The heads of {@link cells}. */
export const HEAD: readonly string[] = ["row", "product", "against", "comes to", "mark", ""];

/** A row as texts: medians, with the least and the greatest round in brackets. */
export function cells(row: Row): string[] {
  const { name, product, base, against, comparison, goal, mark } = row;
  return [
    name,
    shown(product, row.unit),
    `${shown(base, row.unit)}, ${against}`,
    compared(row, comparison),
    mark === null ? "none" : `${goal} ${compared(row, summarize([mark]))}`,
    mark === null ? "" : holds(row) ? "kept" : "**missed**",
  ];
}

/** A row as a line and what belongs under it. */
export function rowLines(row: Row): string[] {
  const [name = "", product = "", base = "", comes = "", mark = ""] = cells(row);
  const verdict = row.mark === null ? "      " : holds(row) ? "kept  " : "MISSED";
  return [
    `${verdict} ${name}: ${comes}, mark: ${mark}`,
    `         ${product} against ${base}`,
  ];
}

function compared({ by, unit }: Row, { median, min, max, count }: Sample): string {
  const one = (value: number): string =>
    by === "ratio"
      ? value.toFixed(value < 0.1 ? 3 : 2)
      : `${value < 0 ? "" : "+"}${value.toFixed(1)}`;
  const range = count > 1 ? ` (${one(min)}–${one(max)})` : "";
  return `${one(median)}${range}${by === "ratio" ? "" : ` ${unit}`}`;
}

function shown({ median, min, max, count }: Sample, unit: string): string {
  const digits = max < 10 ? 3 : max < 100 ? 1 : 0;
  const one = (value: number): string =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const range = count > 1 ? ` (${one(min)}–${one(max)})` : "";
  return `${one(median)} ${unit}${range}`;
}
