import { assert, assertEquals } from "@std/assert";
import { type ListedTool, listTools, type Schema } from "../../scripts/docs/list_tools.ts";

/** Written by `deno task docs`. */
const SNAPSHOT = new URL("./schemas.json", import.meta.url);

const tools = await listTools();
const snapshot: ListedTool[] = JSON.parse(await Deno.readTextFile(SNAPSHOT));

Deno.test("the tools are those of the snapshot, in its order; deno task docs writes a new one", () => {
  assertEquals(tools.map(({ name }) => name), snapshot.map(({ name }) => name));
});

for (const tool of tools) {
  Deno.test(`${tool.name}: its schemas are those of the snapshot`, () => {
    assertEquals(tool, snapshot.find(({ name }) => name === tool.name));
  });
}

for (const { name, title, description, inputSchema, outputSchema, annotations } of tools) {
  Deno.test(`${name}: every parameter has one plain type and a description`, () => {
    assertEquals(inputSchema.type, "object");
    for (const [parameter, schema] of Object.entries(inputSchema.properties ?? {})) {
      assert(
        ["string", "number", "integer", "boolean"].includes(String(schema.type)),
        `${parameter} has the type ${JSON.stringify(schema.type)}`,
      );
      assert((schema.description ?? "") !== "", `${parameter} has no description`);
    }
  });

  Deno.test(`${name}: every parameter that is required is one, and has no default`, () => {
    for (const parameter of inputSchema.required ?? []) {
      const schema: Schema | undefined = inputSchema.properties?.[parameter];
      assert(schema !== undefined, `${parameter} is no parameter`);
      assertEquals(schema.default, undefined);
    }
  });

  Deno.test(`${name}: the result is an object that always has success`, () => {
    assertEquals(outputSchema.type, "object");
    assertEquals(outputSchema.properties?.success?.type, "boolean");
    assertEquals(outputSchema.required, ["success"]);
    // A schema that a failure does not fit would make clients reject the failure.
    for (const field of ["error", "code", "hint"]) {
      assertEquals(outputSchema.properties?.[field]?.type, "string");
    }
  });

  Deno.test(`${name}: it has a title, a description and every annotation`, () => {
    assert(title !== "" && description !== "");
    const { title: annotated, ...hints } = annotations;
    assertEquals(annotated, title);
    assertEquals(Object.keys(hints).sort(), [
      "destructiveHint",
      "idempotentHint",
      "openWorldHint",
      "readOnlyHint",
    ]);
    for (const hint of Object.values(hints)) assertEquals(typeof hint, "boolean");
  });
}
