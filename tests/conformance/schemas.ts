/**
 * JSON Schema taken at its word, by a validator that is not the product's: the product checks its
 * arguments itself and its results not at all.
 *
 * @module
 */

import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";

/** A JSON Schema; MCP means draft 2020-12 where a schema does not say another. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Strict in everything: an unknown keyword, or one that its type never uses, is an error. */
const STRICT = {
  strict: true,
  strictTypes: true,
  strictTuples: true,
  strictRequired: true,
  allErrors: true,
  validateSchema: true,
} as const;

/**
 * What is wrong with `value`; empty when it is valid.
 *
 * @throws Error when the schema itself is not one, or is not strict.
 */
export function schemaFaults(schema: JsonSchema, value: unknown): string[] {
  const validate = new Ajv2020(STRICT).compile(schema);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(describe);
}

/** The same schema, which now refuses every property that it does not name. */
export function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.entries(schema).map(([key, value]) => [key, closed(value)]);
  const isOpen = "properties" in schema && !("additionalProperties" in schema);
  return { ...Object.fromEntries(inner), ...(isOpen ? { additionalProperties: false } : {}) };
}

function describe({ instancePath, message = "is wrong", params }: ErrorObject): string {
  return `${instancePath || "/"} ${message} ${JSON.stringify(params)}`;
}
