import { CREDENTIALS } from "../../src/config.ts";
import { ROOT } from "../lib/paths.ts";
import type { ListedTool, Schema } from "./list_tools.ts";
import { code, table } from "./markdown.ts";

/** Fields of every result, which the prose beside the reference explains once. */
const COMMON_FIELDS = ["success", "error", "code", "hint"];

/** Folders whose files the map shows, `""` being the checkout's own. */
const MAPPED = ["src", "src/mqtt", "src/tools"];

/**
 * The text with each section's content replaced: what stands between
 * `<!-- generated: NAME -->` and `<!-- end: NAME -->`.
 *
 * @throws {Error} when a section's marks are not there
 */
export function replaceSections(
  text: string,
  sections: Readonly<Record<string, string>>,
): string {
  for (const [name, content] of Object.entries(sections)) {
    const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
    const [before, rest, ...more] = text.split(begin);
    const [old, after, ...evenMore] = (rest ?? "").split(end);
    const found = old !== undefined && after !== undefined;
    if (!found || more.length + evenMore.length > 0) {
      throw new Error(`Cannot write section ${name}: its marks must be there, once`);
    }
    text = `${before}${begin}\n\n${content}\n\n${end}${after}`;
  }
  return text;
}

/** Every credential. */
export function credentialsSection(): string {
  const rows = CREDENTIALS.map((credential) => [
    code(credential.key),
    credential.required ? "required" : credential.default ?? "none",
    credential.description,
  ]);
  return table(["key", "default", "meaning"], rows);
}

/** What each source file says of itself in its first sentence. */
export async function filesSection(): Promise<string> {
  const files = ["main.ts"];
  for (const folder of MAPPED) {
    const names: string[] = [];
    for await (const { name, isFile } of Deno.readDir(`${ROOT}/${folder}`)) {
      if (isFile && name.endsWith(".ts")) names.push(`${folder}/${name}`);
    }
    files.push(...names.sort());
  }
  const rows = await Promise.all(
    files.map(async (
      file,
    ) => [code(file), firstSentence(await Deno.readTextFile(`${ROOT}/${file}`))]),
  );
  return table(["file", "what it is"], rows);
}

function firstSentence(source: string): string {
  const comment = source.match(/^\/\*\*([\s\S]*?)\*\//)?.[1] ?? "";
  const text = comment.replace(/^\s*\* ?/gm, "").split("@module")[0]?.replace(/\s+/g, " ").trim();
  return text?.match(/^.*?\.(?= [A-Z]|$)/)?.[0] ?? text ?? "";
}

/** The tools at a glance. */
export function toolListSection(tools: readonly ListedTool[]): string {
  return table(["tool", "what it is for"], tools.map(({ name, title }) => [code(name), title]));
}

/** The reference of every tool, and of the messages that several of them return. */
export function toolsSection(tools: readonly ListedTool[]): string {
  const messages: Schema[] = [];
  const sections = tools.map((tool) => {
    const parameters = Object.entries(tool.inputSchema.properties ?? {}).map(([name, schema]) => [
      code(name),
      typeOf(schema),
      presence(name, schema, tool.inputSchema),
      schema.description ?? "",
    ]);
    return [
      `### ${tool.name}`,
      tool.description,
      parameters.length === 0
        ? "It takes no parameters."
        : table(["parameter", "type", "default", "meaning"], parameters),
      resultTable(resultRows(tool.outputSchema, messages)),
    ].join("\n\n");
  });
  const [message] = messages;
  if (message !== undefined) {
    sections.push(`### A message\n\n${resultTable(resultRows(message, []), "field")}`);
  }
  return sections.join("\n\n");
}

function resultTable(rows: readonly (readonly string[])[], head = "result"): string {
  return table([head, "type", "meaning"], rows);
}

/** A row for each field, nested ones too; messages go to the list instead of being unfolded. */
function resultRows(result: Schema, messages: Schema[]): string[][] {
  const rows: string[][] = [];
  const add = (path: string, schema: Schema): void => {
    const nested = schema.items ?? schema;
    const isMessage = nested.properties?.payload !== undefined;
    if (isMessage) messages.push(nested);
    rows.push([code(path), typeOf(schema, isMessage), schema.description ?? ""]);
    if (isMessage) return;
    const list = schema.items === undefined ? "" : "[]";
    for (const [name, inner] of Object.entries(nested.properties ?? {})) {
      add(`${path}${list}.${name}`, inner);
    }
  };
  for (const [name, schema] of Object.entries(result.properties ?? {})) {
    if (!COMMON_FIELDS.includes(name)) add(name, schema);
  }
  return rows;
}

function typeOf(schema: Schema, isMessage = false): string {
  const { type = "any", anyOf, items, enum: values, minimum, maximum } = schema;
  if (isMessage) return items === undefined ? "a message" : "array of messages";
  if (anyOf !== undefined) return anyOf.map((one) => typeOf(one)).join(" or ");
  const range = values?.map((value) => code(String(value))).join(", ") ?? bounds(minimum, maximum);
  const list = items === undefined ? "" : ` of ${typeOf(items)}`;
  return `${type}${list}${range === "" ? "" : `, ${range}`}`;
}

function bounds(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  if (minimum !== undefined) return `at least ${minimum}`;
  return maximum === undefined ? "" : `at most ${maximum}`;
}

function presence(name: string, schema: Schema, { required = [] }: Schema): string {
  if (required.includes(name)) return "required";
  return schema.default === undefined ? "none" : code(JSON.stringify(schema.default));
}
