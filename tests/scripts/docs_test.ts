import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { replaceSections, toolsSection } from "../../scripts/docs/sections.ts";

const TEXT = "a\n<!-- generated: x -->\nold\n<!-- end: x -->\nz\n";

Deno.test({
  name: "a section's content is replaced, and nothing around it",
  permissions: "none",
  fn() {
    const once = replaceSections(TEXT, { x: "new" });
    assertEquals(once, "a\n<!-- generated: x -->\n\nnew\n\n<!-- end: x -->\nz\n");
    assertEquals(replaceSections(once, { x: "new" }), once);
  },
});

Deno.test({
  name: "a section without its marks, or with two of them, is an error",
  permissions: "none",
  fn() {
    assertThrows(() => replaceSections(TEXT, { y: "new" }));
    assertThrows(() => replaceSections(TEXT + TEXT, { x: "new" }));
    assertThrows(() => replaceSections("<!-- generated: x -->", { x: "new" }));
  },
});

Deno.test({
  name: "the reference shows type, default and range of a parameter, and nested results",
  permissions: "none",
  fn() {
    const text = toolsSection([{
      name: "wait",
      title: "Wait",
      description: "Waits.",
      inputSchema: {
        properties: {
          id: { type: "string", description: "a|b" },
          for: { type: "number", minimum: 0, maximum: 3, default: 2, description: "Seconds" },
        },
        required: ["id"],
      },
      outputSchema: {
        properties: {
          success: { type: "boolean" },
          gaps: {
            type: "array",
            items: { type: "object", properties: { to: { type: "string" } } },
          },
          message: { type: "object", properties: { payload: { type: "string" } } },
        },
      },
      annotations: {},
    }]);
    assertStringIncludes(text, "| `id` | string | required | a\\|b |");
    assertStringIncludes(text, "| `for` | number, 0 to 3 | `2` | Seconds |");
    assertStringIncludes(text, "| `gaps[].to` | string |  |");
    assertStringIncludes(text, "| `message` | a message |  |");
    assertStringIncludes(text, "### A message\n\n| field | type | meaning |");
    assertEquals(text.includes("success"), false);
  },
});
