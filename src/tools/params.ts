/**
 * Parameters of tools: one description gives the JSON Schema that a client sees, the check of what
 * it sends, and the type of what a tool gets.
 *
 * @module
 */

import { MqttSmcpError } from "../errors.ts";
import { quote } from "../text.ts";

/** One parameter. Each has one plain type, since some parents throw on anything richer. */
export interface Param {
  readonly type: "string" | "number" | "integer" | "boolean";
  readonly description: string;
  /** Absent and not required means optional without a default. */
  readonly default?: string | number | boolean;
  readonly required?: true;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly (string | number)[];
  /** The string is JSON; a client may send the value itself as well. */
  readonly json?: true;
}

/** The parameters of a tool by name. */
export type Params = Readonly<Record<string, Param>>;

type Value<P> = P extends { type: "string" } ? string
  : P extends { type: "boolean" } ? boolean
  : number;

/** What a tool gets: a value where there is a default or one is required, else maybe undefined. */
export type Arguments<P extends Params> = {
  readonly [K in keyof P]: P[K] extends { required: true } | { default: unknown } ? Value<P[K]>
    : Value<P[K]> | undefined;
};

/** Unknown parameters that an error names. */
const MOST_NAMED = 5;

/** The JSON Schema of the parameters. */
export function inputSchema(params: Params): Record<string, unknown> {
  const properties = Object.fromEntries(
    Object.entries(params).map(([name, { required: _r, json: _j, ...schema }]) => [name, schema]),
  );
  const required = Object.keys(params).filter((name) => params[name]?.required);
  return { type: "object", properties, required, additionalProperties: false };
}

/**
 * Checks what a client sent. Parents that pass only text may send `"2"` for a number and `"true"`
 * for a boolean.
 *
 * @throws {MqttSmcpError} INVALID_ARGUMENT, with every fault.
 */
export function readArguments<P extends Params>(
  params: P,
  sent: Readonly<Record<string, unknown>>,
): Arguments<P> {
  const faults: string[] = [];
  const unknown = Object.keys(sent).filter((name) => !Object.hasOwn(params, name));
  if (unknown.length > 0) {
    const named = unknown.slice(0, MOST_NAMED).map(quote).join(", ");
    const more = unknown.length > MOST_NAMED ? ` and ${unknown.length - MOST_NAMED} more` : "";
    const known = Object.keys(params).join(", ") || "none";
    faults.push(`there is no parameter ${named}${more} (the parameters: ${known})`);
  }
  const values: Record<string, unknown> = {};
  for (const [name, param] of Object.entries(params)) {
    const value = Object.hasOwn(sent, name) ? sent[name] : undefined;
    if (value === undefined || value === null) {
      if (param.required) faults.push(`${name} is required`);
      else if (param.default !== undefined) values[name] = param.default;
      continue;
    }
    const read = readValue(param, value);
    if (read === undefined) faults.push(`${name} must be ${rule(param)}`);
    else values[name] = read;
  }
  if (faults.length > 0) throw new MqttSmcpError("INVALID_ARGUMENT", faults.join("; "));
  return values as Arguments<P>;
}

function readValue(param: Param, value: unknown): string | number | boolean | undefined {
  switch (param.type) {
    case "string":
      if (param.json && typeof value === "object") return JSON.stringify(value);
      return typeof value === "string" && (param.enum?.includes(value) ?? true) ? value : undefined;
    case "boolean":
      return typeof value === "boolean"
        ? value
        : value === "true"
        ? true
        : value === "false"
        ? false
        : undefined;
    default: {
      const number = typeof value === "string" ? numberFromText(value) : value;
      return typeof number === "number" && isInRange(param, number) ? number : undefined;
    }
  }
}

function numberFromText(text: string): number | undefined {
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}

function isInRange(param: Param, value: number): boolean {
  return Number.isFinite(value) &&
    (param.type !== "integer" || Number.isInteger(value)) &&
    value >= (param.minimum ?? -Infinity) && value <= (param.maximum ?? Infinity) &&
    (param.enum?.includes(value) ?? true);
}

function rule(param: Param): string {
  if (param.enum !== undefined) {
    return `one of ${param.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  }
  if (param.type === "string") return "a string";
  if (param.type === "boolean") return "true or false";
  const kind = param.type === "integer" ? "an integer" : "a number";
  const { minimum, maximum } = param;
  if (minimum !== undefined && maximum !== undefined) {
    return `${kind} from ${minimum} to ${maximum}`;
  }
  return minimum === undefined ? kind : `${kind} of at least ${minimum}`;
}
