/**
 * The assertions of the `@std/assert` stand-in that are about errors.
 *
 * @module
 */
import { inspect } from "node:util";
import { AssertionError } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any -- what a constructor takes is not this module's business
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** @throws {AssertionError} unless `error` is of the class and its message holds the text */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorClass<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  const suffix = msg ? `: ${msg}` : "";
  const expected: ErrorClass<Error> = ErrorClass ?? Error;
  if (!(error instanceof expected)) {
    throw new AssertionError(`Expected ${expected.name}, got ${inspect(error)}${suffix}`);
  }
  if (msgMatches === undefined) return;
  const matches = typeof msgMatches === "string"
    ? error.message.includes(msgMatches)
    : msgMatches.test(error.message);
  if (matches) return;
  const shown = inspect(error.message);
  throw new AssertionError(`Expected a message with ${inspect(msgMatches)}, got ${shown}${suffix}`);
}

/** Gives what `fn` throws. @throws {AssertionError} unless it throws */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Gives the error that `fn` throws. @throws {AssertionError} unless it throws such an error */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...expected: Expected): unknown {
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
    return check(thrown, expected);
  }
  throw new AssertionError(`Expected function to throw${wording(expected)}`);
}

/** Gives what `fn` rejects with. @throws {AssertionError} unless it rejects */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Gives the error `fn` rejects with. @throws {AssertionError} unless it rejects with such an error */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...expected: Expected
): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(
      `Function threw when expected to reject${wording(expected)}: ${inspect(error)}`,
    );
  }
  try {
    await promise;
  } catch (error) {
    return check(error, expected);
  }
  throw new AssertionError(`Expected function to reject${wording(expected)}`);
}

type Expected = [classOrMsg?: ErrorClass<Error> | string, msgIncludes?: string, msg?: string];

function check(thrown: unknown, [classOrMsg, msgIncludes, msg]: Expected): unknown {
  if (typeof classOrMsg === "function") assertIsError(thrown, classOrMsg, msgIncludes, msg);
  return thrown;
}

function wording([classOrMsg, , msg]: Expected): string {
  const text = typeof classOrMsg === "string" ? classOrMsg : msg;
  return text ? `: ${text}` : "";
}
