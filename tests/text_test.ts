import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  endWithinPairs,
  escapeLine,
  escapeUnsafe,
  hasUnsafeCharacters,
  quote,
  toSafeJson,
  utf8Length,
  withThousands,
} from "../src/text.ts";
import { Random } from "./support/random.ts";

const permissions = "none";

/** From the standards, not from the module: ranges of code points, both ends included. */
const UNSAFE_RANGES: readonly (readonly [number, number])[] = [
  [0x00, 0x08],
  [0x0B, 0x0C],
  [0x0E, 0x1F],
  [0x7F, 0x9F],
  [0x00AD, 0x00AD],
  [0x034F, 0x034F],
  [0x061C, 0x061C],
  [0x115F, 0x1160],
  [0x17B4, 0x17B5],
  [0x180B, 0x180F],
  [0x200B, 0x200B],
  [0x200E, 0x200F],
  [0x2028, 0x2029],
  [0x202A, 0x202E],
  [0x2060, 0x2064],
  [0x2066, 0x206F],
  [0x3164, 0x3164],
  [0xD800, 0xDFFF],
  [0xFEFF, 0xFEFF],
  [0xFFA0, 0xFFA0],
  [0xFFF9, 0xFFFB],
  [0xE0000, 0xE0FFF],
];

function isUnsafe(code: number): boolean {
  return UNSAFE_RANGES.some(([from, to]) => code >= from && code <= to);
}

Deno.test({
  name: "exactly the listed code points are unsafe",
  permissions,
  fn() {
    for (let code = 0; code <= 0x10FFFF; code++) {
      const found = hasUnsafeCharacters(String.fromCodePoint(code));
      if (found !== isUnsafe(code)) assertEquals(found, isUnsafe(code), code.toString(16));
    }
  },
});

Deno.test({
  name: "text without unsafe characters is not changed",
  permissions,
  fn() {
    const text = "plain\ttext\r\nof two lines, grüße ☃ 😀 👩‍👧 مرحبا";
    assertFalse(hasUnsafeCharacters(text));
    assertEquals(escapeUnsafe(text), text);
    assertEquals(toSafeJson(text), JSON.stringify(text));
  },
});

Deno.test({
  name: "unsafe characters are shown by their code",
  permissions,
  fn() {
    assertEquals(escapeUnsafe("a\u001b[31m\u0000\u007f"), "a\\u{1B}[31m\\u{00}\\u{7F}");
    assertEquals(escapeUnsafe("\u202Eevil\u{E0041}\uD800x"), "\\u{202E}evil\\u{E0041}\\u{D800}x");
    assertEquals(escapeUnsafe("a\tb\n"), "a\tb\n");
    assertEquals(escapeLine("a\tb\r\n"), "a\\u{09}b\\u{0D}\\u{0A}");
  },
});

Deno.test({
  name: "a quoted text is one line in single quotes",
  permissions,
  fn() {
    assertEquals(quote("a/#"), "'a/#'");
    assertEquals(quote(""), "''");
    assertEquals(quote("a\nb\u202E"), "'a\\u{0A}b\\u{202E}'");
  },
});

Deno.test({
  name: "a long text is quoted by its first 120 characters and the count",
  permissions,
  fn() {
    const exact = "x".repeat(120);
    assertEquals(quote(exact), `'${exact}'`);
    assertEquals(quote("x".repeat(65_536)), `'${exact}…' (65,536 characters)`);
    const pair = `${"x".repeat(119)}😀tail`;
    assertEquals(quote(pair), `'${"x".repeat(119)}…' (125 characters)`);
  },
});

Deno.test({
  name: "safe JSON holds no unsafe characters and parses to the same value",
  permissions,
  fn() {
    const everything = UNSAFE_RANGES.flatMap(([from, to]) => [from, to])
      .map((code) => `x${String.fromCodePoint(code)}`).join("");
    const value = { [everything]: [everything, 1, true, null, { deep: "\u{E0041}\u{E01EF}" }] };
    const json = toSafeJson(value);
    assertFalse(hasUnsafeCharacters(json));
    assertEquals(JSON.parse(json), value);
  },
});

Deno.test({
  name: "safe JSON of random text parses to the same text",
  permissions,
  fn() {
    const random = new Random(1);
    for (let round = 0; round < 2_000; round++) {
      const units = Array.from({ length: random.int(0, 20) }, () => random.int(0, 0xFFFF));
      const text = String.fromCharCode(...units);
      const json = toSafeJson(text);
      assertFalse(hasUnsafeCharacters(json), `seed ${random.seed}, round ${round}`);
      assertEquals(JSON.parse(json), text, `seed ${random.seed}, round ${round}`);
    }
  },
});

Deno.test({
  name: "safe JSON of undefined is null",
  permissions,
  fn() {
    assertEquals(toSafeJson(undefined), "null");
  },
});

Deno.test({
  name: "the length in UTF-8 is that of the encoder",
  permissions,
  fn() {
    const random = new Random(2);
    for (let round = 0; round < 2_000; round++) {
      const units = Array.from(
        { length: random.int(0, 20) },
        () => random.pick([0x41, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xD83D, 0xDE00, 0xE000, 0xFFFF]),
      );
      const text = String.fromCharCode(...units);
      assertEquals(utf8Length(text), new TextEncoder().encode(text).length, JSON.stringify(text));
    }
  },
});

Deno.test({
  name: "counting the length stops past its limit",
  permissions,
  fn() {
    assertEquals(utf8Length("x".repeat(10), 10), 10);
    assert(utf8Length("☃".repeat(10), 10) > 10);
    assert(utf8Length("x".repeat(50_000_000), 10) > 10);
  },
});

Deno.test({
  name: "a surrogate pair is never cut in two",
  permissions,
  fn() {
    assertEquals(endWithinPairs("a😀b", 2), 1);
    assertEquals(endWithinPairs("a😀b", 3), 3);
    assertEquals(endWithinPairs("a😀b", 0), 0);
    assertEquals(endWithinPairs("a😀b", 99), 4);
  },
});

Deno.test({
  name: "a count has commas between its thousands",
  permissions,
  fn() {
    assertEquals([0, 999, 1_000, 65_535, 1_234_567].map(withThousands), [
      "0",
      "999",
      "1,000",
      "65,535",
      "1,234,567",
    ]);
  },
});
