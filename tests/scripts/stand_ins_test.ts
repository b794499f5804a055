import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertInstanceOf,
  AssertionError,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "../../scripts/offline/assert.ts";

const test = (name: string, fn: () => void | Promise<void>): void =>
  Deno.test({ name: `stand-in for @std/assert: ${name}`, permissions: "none", fn });

function refuses(fn: () => void): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
  throw new Error("the assertion held");
}

test("assert holds for truthy values and gives its message otherwise", () => {
  assert(1);
  if (refuses(() => assert(0, "why")) !== "why") throw new Error("another message");
});

test("assertEquals compares deeply and says both values", () => {
  assertEquals({ a: [1, new Uint8Array([2])] }, { a: [1, new Uint8Array([2])] });
  const message = refuses(() => assertEquals({ a: 1 }, { a: 2 }, "note"));
  assertMatch(message, /actual: +{ a: 1 }[^]*expected: +{ a: 2 }[^]*note/);
  refuses(() => assertEquals<unknown>(new Uint8Array(1), [0]));
  refuses(() => assertEquals<unknown>({ a: undefined }, {}));
  refuses(() => assertNotEquals([1], [1]));
});

test("assertStrictEquals needs the same object", () => {
  const object = {};
  assertStrictEquals(object, object);
  assertStrictEquals(NaN, NaN);
  refuses(() => assertStrictEquals({}, object));
});

test("assertExists takes falsy values, not null and undefined", () => {
  assertExists(0);
  refuses(() => assertExists(null));
  refuses(() => assertExists(undefined));
});

test("strings and arrays are searched", () => {
  assertStringIncludes("abc", "b");
  refuses(() => assertStringIncludes("abc", "d"));
  assertArrayIncludes([{ a: 1 }, 2], [{ a: 1 }]);
  refuses(() => assertArrayIncludes([1], [2]));
});

test("assertObjectMatch looks at what is expected only, deeply", () => {
  assertObjectMatch({ a: { b: 1, c: 2 }, d: [{ e: 1, f: 2 }] }, { a: { b: 1 }, d: [{ e: 1 }] });
  refuses(() => assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }));
  refuses(() => assertObjectMatch({ a: 1 }, { b: undefined }));
  refuses(() => assertObjectMatch({ a: {} }, { a: [] }));
});

test("assertThrows gives the error and checks its class and message", () => {
  const error = assertThrows(() => fail("boom"), AssertionError, "boom");
  assertInstanceOf(error, AssertionError);
  refuses(() => assertThrows(() => {}));
  refuses(() => assertThrows(() => unreachable(), TypeError));
  refuses(() => assertThrows(() => fail("boom"), Error, "bang"));
});

test("assertRejects refuses a function that throws or resolves", async () => {
  await assertRejects(() => Promise.reject(new TypeError("boom")), TypeError, "boom");
  await assertRejects(() => assertRejects(() => Promise.resolve()), AssertionError, "to reject");
  const throwing = (): Promise<void> => fail("at once");
  await assertRejects(() => assertRejects(throwing), AssertionError, "threw when expected");
});
