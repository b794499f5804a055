import { assertEquals, assertStringIncludes } from "@std/assert";
import { conformancePage } from "../../scripts/conformance.ts";

const OUTCOMES = {
  fixture: { ping: true, "prompts-list": true, "dns-rebinding-protection": true },
  server: { ping: true, "prompts-list": false, "dns-rebinding-protection": true },
  inspector: { "tools/list": "7 tools" },
};

Deno.test("the page counts the scenarios that are not about HTTP, and says why the rest fail", () => {
  const page = (conformancePage(OUTCOMES) ?? "").replace(/\s+/g, " ");
  assertStringIncludes(page, "Of 3 scenarios, 1 are about HTTP");
  assertStringIncludes(page, "Of the other 2, 2 pass on the fixtures and 1 on the server.");
  const [, number] = /\| `prompts-list` \| passes \| — \((\d)\) \|/.exec(page) ?? [];
  assertStringIncludes(page, `${number}. The server has no prompts`);
  assertStringIncludes(page, "| `dns-rebinding-protection` | passes (the bridge) |");
  assertStringIncludes(page, "| tools/list | 7 tools |");
});

Deno.test("there is no page of a run in which something did not take part", () => {
  for (const part of Object.keys(OUTCOMES)) {
    assertEquals(conformancePage({ ...OUTCOMES, [part]: undefined }), undefined);
  }
});
