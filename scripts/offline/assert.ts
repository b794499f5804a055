/**
 * Stand-in for the part of `@std/assert` that the tests use, over `node:util`: for networks where
 * JSR does not answer. Same names, signatures and error class; the wording of messages differs, and
 * `0` and `-0` are different here.
 *
 * @module
 */
import { inspect, isDeepStrictEqual } from "node:util";
import { AssertionError } from "./assertion_error.ts";

/** A class, for {@link assertInstanceOf} and the errors expected by {@link assertThrows}. */
// deno-lint-ignore no-explicit-any -- what a constructor takes is not this module's business
type Class<T = unknown> = abstract new (...args: any[]) => T;

function show(value: unknown): string {
  return inspect(value, { depth: 8, breakLength: 100 });
}

function refuse(what: string, msg: string | undefined): never {
  throw new AssertionError(msg === undefined ? what : `${what}: ${msg}`);
}

/** @throws {AssertionError} unless `expr` is truthy */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** @throws {AssertionError} unless `expr` is falsy */
export function assertFalse(expr: unknown, msg?: string): void {
  if (expr) refuse(`Expected a falsy value, got ${show(expr)}`, msg);
}

/** @throws {AssertionError} always */
export function fail(msg?: string): never {
  refuse("Failed assertion", msg);
}

/** Marks a place that must not be reached. @throws {AssertionError} always */
export function unreachable(msg?: string): never {
  refuse("Unreachable", msg);
}

/** @throws {AssertionError} unless both are deeply equal, prototypes included */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  refuse(`Values are not equal\n  actual:   ${show(actual)}\n  expected: ${show(expected)}\n`, msg);
}

/** @throws {AssertionError} if both are deeply equal */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (isDeepStrictEqual(actual, expected)) refuse(`Both values are ${show(actual)}`, msg);
}

/** @throws {AssertionError} unless both are the same by `Object.is` */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) {
    refuse(`Values are not the same: ${show(actual)} and ${show(expected)}`, msg);
  }
}

/** @throws {AssertionError} if both are the same by `Object.is` */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (Object.is(actual, expected)) refuse(`Both are the same ${show(actual)}`, msg);
}

/** @throws {AssertionError} if `actual` is `null` or `undefined` */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) refuse(`Expected a value, got ${actual}`, msg);
}

/** @throws {AssertionError} unless `actual` matches */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) refuse(`Expected ${show(actual)} to match ${expected}`, msg);
}

/** @throws {AssertionError} if `actual` matches */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) refuse(`Expected ${show(actual)} not to match ${expected}`, msg);
}

/** @throws {AssertionError} unless `actual` contains `expected` */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) refuse(`Expected ${show(actual)} to hold ${show(expected)}`, msg);
}

/** @throws {AssertionError} unless every element of `expected` is deeply equal to one of `actual` */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const all = Array.from(actual);
  const missing = Array.from(expected).filter((want) =>
    !all.some((v) => isDeepStrictEqual(v, want))
  );
  if (missing.length > 0) refuse(`Expected ${show(all)} to include ${show(missing)}`, msg);
}

/** @throws {AssertionError} unless `actual` has everything that `expected` has, deeply */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- the signature of the original
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  if (holds(actual, expected)) return;
  refuse(`Expected ${show(actual)} to hold ${show(expected)}`, msg);
}

function holds(actual: unknown, expected: unknown): boolean {
  if (isDeepStrictEqual(actual, expected)) return true;
  if (typeof actual !== "object" || typeof expected !== "object") return false;
  if (actual === null || expected === null) return false;
  if (Array.isArray(expected) && !Array.isArray(actual)) return false;
  const plain = Array.isArray(expected) || Object.getPrototypeOf(expected) === Object.prototype;
  return plain &&
    Reflect.ownKeys(expected).every((key) =>
      Reflect.has(actual, key) && holds(Reflect.get(actual, key), Reflect.get(expected, key))
    );
}

/** @throws {AssertionError} unless `actual` is an instance of `expected` */
export function assertInstanceOf<C extends Class>(
  actual: unknown,
  expected: C,
  msg = "",
): asserts actual is InstanceType<C> {
  if (!(actual instanceof expected)) {
    refuse(`Expected an instance of ${expected.name}, got ${show(actual)}`, msg || undefined);
  }
}

/** @throws {AssertionError} unless `actual > expected` */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) refuse(`Expected ${show(actual)} > ${show(expected)}`, msg);
}

/** @throws {AssertionError} unless `actual >= expected` */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) refuse(`Expected ${show(actual)} >= ${show(expected)}`, msg);
}

/** @throws {AssertionError} unless `actual < expected` */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) refuse(`Expected ${show(actual)} < ${show(expected)}`, msg);
}

/** @throws {AssertionError} unless `actual <= expected` */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) refuse(`Expected ${show(actual)} <= ${show(expected)}`, msg);
}

/** @throws {AssertionError} unless the numbers differ by at most `tolerance` */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance = Math.abs(expected) * 1e-7,
  msg?: string,
): void {
  if (Object.is(actual, expected) || Math.abs(actual - expected) <= tolerance) return;
  refuse(`Expected ${actual} to be ${expected} (± ${tolerance})`, msg);
}

export { assertIsError, assertRejects, assertThrows } from "./assert_errors.ts";
export { AssertionError };
