import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Row } from "../../scripts/bench/rows.ts";
import { summarize } from "../../scripts/bench/statistics.ts";
import { comparison, holds, tableLines } from "../../scripts/bench/table.ts";

function row(more: Partial<Row>): Row {
  return {
    name: "start",
    unit: "ms",
    product: summarize([20, 30, 40]),
    against: "nothing",
    base: summarize([10]),
    by: "ratio",
    mark: 3,
    ...more,
  };
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
  name: "a row is kept up to its mark, and missed above it",
  permissions: "none",
  fn() {
    assertEquals(comparison(row({})), 3);
    assert(holds(row({ mark: 3 })));
    assert(!holds(row({ mark: 2.99 })));
    assertEquals(comparison(row({ by: "difference" })), 20);
    assert(holds(row({ by: "difference", mark: 20 })));
    assert(!holds(row({ by: "difference", mark: 19 })));
  },
});

Deno.test({
  name: "the table shows medians, spread, comparison, mark and verdict",
  permissions: "none",
  fn() {
    const [, kept = "", against = "", missed = ""] = tableLines([
      row({}),
      row({ by: "difference", unit: "MB", mark: 3 }),
    ]);
    for (const part of ["start", "30.0 ms (20.0-40.0)", "10.0 ms", "x 3.00", "PASS"]) {
      assertStringIncludes(kept, part);
    }
    assertStringIncludes(against, "against: nothing");
    for (const part of ["+20.0 MB", "+3.0 MB", "OVER"]) assertStringIncludes(missed, part);
  },
});
