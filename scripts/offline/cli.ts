/**
 * Stand-in for the part of `@std/cli` that the scripts use, over `node:util`: for networks where JSR
 * does not answer.
 *
 * @module
 */
import { parseArgs as parseNodeArgs } from "node:util";

/** The options of the original that the scripts use. */
export interface ParseOptions {
  /** Flags that take no value; `false` when not given. @default none */
  boolean?: readonly string[];
  /** Flags that take a value. @default none */
  string?: readonly string[];
  /** Flags that may come more than once: their value is an array. @default none */
  collect?: readonly string[];
  /** Values of flags that were not given. @default none */
  default?: Record<string, unknown>;
  /** Other names of a flag. @default none */
  alias?: Record<string, string>;
  /** Called with an argument that no option names; `false` leaves it out. @default keep it */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What the arguments say: one property a flag, and the rest in `_`. */
// deno-lint-ignore no-explicit-any -- the original gives each flag its own type; this is its sum
export type Args = { _: string[] } & Record<string, any>;

/**
 * Reads command-line flags: `--name`, `--name value`, `--name=value`, `-n` for an alias, and `--` to
 * end them. Unlike the original it never turns an argument in `_` into a number, and never takes the
 * argument behind an unknown flag for that flag's value.
 *
 * @param args without the program's name
 */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const strings = new Set(options.string ?? []);
  const booleans = new Set(options.boolean ?? []);
  const names = [...booleans, ...strings];
  const { tokens } = parseNodeArgs({
    args,
    options: Object.fromEntries(names.map((name) => {
      const type = strings.has(name) ? "string" as const : "boolean" as const;
      return [name, { type, ...shortOf(name, options.alias) }];
    })),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const result: Args = { _: [] };
  for (const name of booleans) result[name] = false;
  for (const name of options.collect ?? []) result[name] = [];
  Object.assign(result, options.default);
  const given = new Set<string>();
  for (const token of tokens ?? []) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      if (options.unknown?.(token.value) !== false) result._.push(token.value);
      continue;
    }
    const known = names.includes(token.name);
    const value = strings.has(token.name) ? token.value ?? "" : token.value ?? true;
    if (!known && options.unknown?.(token.rawName, token.name, value) === false) continue;
    if (!options.collect?.includes(token.name)) result[token.name] = value;
    else if (given.has(token.name)) result[token.name].push(value);
    else result[token.name] = [value];
    given.add(token.name);
  }
  return result;
}

function shortOf(name: string, alias: Record<string, string> | undefined): { short?: string } {
  const short = Object.entries(alias ?? {})
    .flatMap(([a, b]) => a === name ? [b] : b === name ? [a] : [])
    .find((other) => other.length === 1);
  return short === undefined ? {} : { short };
}
