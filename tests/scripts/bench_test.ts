import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { benchPage } from "../../scripts/bench/page.ts";
import { type Rounds, type Row, toRow } from "../../scripts/bench/row.ts";
import { summarize } from "../../scripts/bench/statistics.ts";
import { cells, holds, rowLines } from "../../scripts/bench/table.ts";

function row(more: Partial<Rounds> = {}): Row {
  return toRow({
    name: "start",
    unit: "ms",
    product: [20, 30, 40],
    against: "nothing",
    base: [10, 10, 10],
    mark: 3,
    ...more,
  });
}

Deno.test({
  name: "measurements are summed up by median, least and greatest",
  permissions: "none",
  fn() {
    assertEquals(summarize([9, 1, 4]), { median: 4, min: 1, max: 9, count: 3 });
    assertEquals(summarize([4, 1, 9, 6]).median, 5);
    assertThrows(() => summarize([]));
  },
});

Deno.test({
  name: "product and base are compared within each round",
  permissions: "none",
  fn() {
    const drifting = row({ product: [20, 200, 2_000], base: [10, 100, 1_000] });
    assertEquals(drifting.comparison, { median: 2, min: 2, max: 2, count: 3 });
    assertEquals(row({ by: "difference" }).comparison.median, 20);
    assertThrows(() => row({ base: [10] }), Error, "rounds without a base");
  },
});

Deno.test({
  name: "a row is kept up to its mark, and missed beyond it",
  permissions: "none",
  fn() {
    assert(holds(row({ mark: 3 })));
    assert(!holds(row({ mark: 2.99 })));
    assert(holds(row({ mark: 3, goal: "at least" })));
    assert(!holds(row({ mark: 3.01, goal: "at least" })));
    assert(holds(row({ by: "difference", mark: 20 })));
    assert(!holds(row({ by: "difference", mark: 19 })));
    assert(holds(row({ mark: null })));
  },
});

Deno.test({
  name: "a row shows medians, spread, comparison, mark and verdict",
  permissions: "none",
  fn() {
    assertEquals(cells(row()), [
      "start",
      "30.0 ms (20.0–40.0)",
      "10.0 ms (10.0–10.0), nothing",
      "3.00 (2.00–4.00)",
      "at most 3.00",
      "kept",
    ]);
    const missed = row({ by: "difference", unit: "MB", product: [1_234], base: [10], mark: 3 });
    assertEquals(cells(missed).slice(1), [
      "1,234 MB",
      "10.0 MB, nothing",
      "+1224.0 MB",
      "at most +3.0 MB",
      "**missed**",
    ]);
    assertStringIncludes(rowLines(missed).join("\n"), "MISSED start");
    assertEquals(cells(row({ mark: null })).slice(4), ["none", ""]);
  },
});

Deno.test({
  name: "the page holds every row and what it was measured on",
  permissions: "none",
  fn() {
    const page = benchPage([row(), row({ name: "end" })], "On a machine.");
    for (const part of ["| start |", "| end |", "On a machine."]) assertStringIncludes(page, part);
  },
});
