import { assertEquals } from "@std/assert";
import { add, closingLine, fromJUnit } from "../../scripts/lib/counts.ts";

Deno.test({
  name: "the JUnit report of deno test is counted, its failures and skips told apart",
  permissions: "none",
  fn() {
    const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.1">
  <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
    <testcase name="holds &gt; always" classname="./a_test.ts" time="0.001" line="1" col="6">
    </testcase>
    <testcase name="holds too" classname="./a_test.ts" time="0.001" />
    <testcase name="skipped" classname="./a_test.ts" time="0.000"><skipped/></testcase>
    <testcase name="fails" classname="./a_test.ts" time="0.001">
      <failure message="Uncaught AssertionError">AssertionError: &lt;skipped/&gt;</failure>
    </testcase>
  </testsuite>
</testsuites>`;
    assertEquals(fromJUnit(xml), { passed: 2, failed: 1, skipped: 1 });
  },
});

Deno.test({
  name: "what is not a JUnit report counts as none",
  permissions: "none",
  fn() {
    assertEquals(fromJUnit(""), undefined);
    assertEquals(fromJUnit("<html></html>"), undefined);
  },
});

Deno.test({
  name: "two runs add up to one closing line",
  permissions: "none",
  fn() {
    const sum = add({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 });
    assertEquals(closingLine(sum), "11 passed, 22 failed, 33 skipped");
  },
});
