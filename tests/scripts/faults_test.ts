import { assertEquals, assertStringIncludes } from "@std/assert";
import { faultsPage, readFigures, soakPage } from "../../scripts/faults/pages.ts";
import { ROWS } from "../faults/rows.ts";
import { slopeOf } from "../soak/slope.ts";
import { ROOT } from "../support/server_process.ts";

Deno.test("each test under fault is in a row of the table, and each row names tests that exist", async () => {
  const named = new Set(ROWS.flatMap(({ files }) => files));
  for (const file of named) await Deno.stat(`${ROOT}tests/${file}`);
  const there = await Array.fromAsync(Deno.readDir(`${ROOT}tests/faults`), ({ name }) => name);
  const tests = there.filter((name) => name.endsWith("_test.ts")).map((name) => `faults/${name}`);
  assertEquals(tests.filter((file) => !named.has(file)), []);
});

Deno.test("the page shows each row, and the figures of each", () => {
  const figures = readFigures('{"row":1,"line":"one"}\n{"row":13,"line":"thirteen"}\n');
  const page = faultsPage(figures);
  for (const { what } of ROWS) assertStringIncludes(page, what);
  assertStringIncludes(page, "Row 1\n\n- one");
  assertEquals(page.includes("thirteen"), false);
  assertStringIncludes(soakPage(figures), "- thirteen");
});

Deno.test("the slope is that of the nearest line", () => {
  assertEquals(slopeOf([1, 3, 5, 7]), 2);
  assertEquals(slopeOf([4, 4, 4]), 0);
  assertEquals(slopeOf([0, 2, 0, 2]) > 0, true);
});
