import type { Row } from "./rows.ts";
import type { Sample } from "./statistics.ts";

/** What the product comes to beside its base: a quotient, or a difference in the row's unit. */
export function comparison({ product, base, by }: Row): number {
  return by === "ratio" ? product.median / base.median : product.median - base.median;
}

/** Whether the row keeps its mark. */
export function holds(row: Row): boolean {
  return comparison(row) <= row.mark;
}

/** The table as lines of text. */
export function tableLines(rows: readonly Row[]): string[] {
  const head = ["", "product", "measured by", "comes to", "mark", ""];
  const body = rows.map((row) => [
    row.name,
    shown(row.product, row.unit),
    shown(row.base, row.unit),
    compared(row, comparison(row)),
    compared(row, row.mark),
    holds(row) ? "PASS" : "OVER",
  ]);
  const widths = head.map((_, i) =>
    Math.max(...[head, ...body].map((cells) => cells[i]?.length ?? 0))
  );
  const line = (cells: string[]): string =>
    cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd();
  return [
    line(head),
    ...rows.flatMap((row, i) => [line(body[i] ?? []), `  against: ${row.against}`]),
  ];
}

function compared({ by, unit }: Row, value: number): string {
  return by === "ratio" ? `x ${value.toFixed(value < 0.1 ? 3 : 2)}` : `${signed(value)} ${unit}`;
}

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(1)}`;
}

function shown({ median, min, max, count }: Sample, unit: string): string {
  const digits = max < 10 ? 3 : max < 100 ? 1 : 0;
  const range = count > 1 ? ` (${min.toFixed(digits)}-${max.toFixed(digits)})` : "";
  return `${median.toFixed(digits)} ${unit}${range}`;
}
