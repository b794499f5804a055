import { assert, assertEquals, assertThrows } from "@std/assert";
import { MqttSmcpError } from "../src/errors.ts";
import { cutPayload, decodePayload, encodePayload } from "../src/payload.ts";
import { hasUnsafeCharacters } from "../src/text.ts";
import { utf8 } from "./support/byte_streams.ts";
import { Random } from "./support/random.ts";

const permissions = "none";

Deno.test({
  name: "UTF-8 comes back as text",
  permissions,
  fn() {
    for (const text of ["", "21.5", "a\tb\r\nc", "grüße ☃ 😀", '{"a":1}']) {
      assertEquals(encodePayload(utf8(text)), { payload: text });
    }
  },
});

Deno.test({
  name: "bytes that are not UTF-8 come back as base64",
  permissions,
  fn() {
    const notUtf8 = [[0xFF], [0xC0, 0x80], [0xE2, 0x98], [0xED, 0xA0, 0x80], [
      0xF5,
      0x80,
      0x80,
      0x80,
    ]];
    for (const bytes of notUtf8) {
      const encoded = encodePayload(Uint8Array.from(bytes));
      assertEquals(encoded.encoding, "base64");
      assertEquals([...decodePayload(encoded.payload, "base64")], bytes);
    }
  },
});

Deno.test({
  name: "text with unsafe characters comes back as base64",
  permissions,
  fn() {
    for (const text of ["\u001b[2J", "a\0", "\u202Eevil", "\u{E0041}", "\uFEFF21.5", "a\u2028b"]) {
      const encoded = encodePayload(utf8(text));
      assertEquals(encoded, { payload: utf8(text).toBase64(), encoding: "base64" });
      assertEquals(decodePayload(encoded.payload, "base64"), utf8(text));
    }
  },
});

Deno.test({
  name: "any bytes come back exactly and never show an unsafe character",
  permissions,
  fn() {
    const random = new Random(6);
    for (let round = 0; round < 5_000; round++) {
      const bytes = random.chance(0.5)
        ? random.bytes(random.int(0, 40))
        : utf8(random.text(random.int(0, 20), "aé☃😀\n\u007f\u0085\u202e\ufeff"));
      const { payload, encoding = "utf8" } = encodePayload(bytes);
      assert(!hasUnsafeCharacters(payload), `seed 6, round ${round}`);
      assertEquals(decodePayload(payload, encoding), bytes, `seed 6, round ${round}`);
    }
  },
});

Deno.test({
  name: "a large payload is encoded and decoded without trouble",
  permissions,
  fn() {
    const bytes = new Uint8Array(20_000_000).fill(0xFF);
    const { payload, encoding } = encodePayload(bytes);
    assertEquals(encoding, "base64");
    assertEquals(decodePayload(payload, "base64").length, bytes.length);
  },
});

Deno.test({
  name: "white space in base64 is skipped",
  permissions,
  fn() {
    assertEquals(decodePayload(" AQ\nID\r\n", "base64"), Uint8Array.of(1, 2, 3));
    assertEquals(decodePayload("", "base64"), new Uint8Array());
  },
});

Deno.test({
  name: "what is not base64 is refused without repeating it",
  permissions,
  fn() {
    for (const text of ["AQI", "A", "AQI=x", "A*==", "-_8=", "QUJ=", "ünsinn"]) {
      const error = assertThrows(() => decodePayload(text, "base64"), MqttSmcpError);
      assertEquals(error.code, "INVALID_ARGUMENT", text);
      assertEquals(error.message, "the message is not valid base64");
    }
  },
});

Deno.test({
  name: "text with an unpaired surrogate is refused",
  permissions,
  fn() {
    const error = assertThrows(() => decodePayload("a\uD800", "utf8"), MqttSmcpError);
    assertEquals(error.code, "INVALID_ARGUMENT");
  },
});

Deno.test({
  name: "a cut text ends between characters and tells the whole size",
  permissions,
  fn() {
    assertEquals(cutPayload(utf8("a".repeat(100)), 10), {
      payload: "a".repeat(10),
      truncated: true,
      size: 100,
    });
    assertEquals(cutPayload(utf8("☃".repeat(9)), 4).payload, "☃☃☃☃");
    assertEquals(cutPayload(utf8("😀".repeat(9)), 5).payload, "😀😀");
    assertEquals(cutPayload(utf8("abc"), 0).payload, "");
    assertEquals(cutPayload(utf8("abc"), -1).payload, "");
  },
});

Deno.test({
  name: "a cut text is measured as JSON carries it",
  permissions,
  fn() {
    assertEquals(cutPayload(utf8('""""'), 5).payload, '""');
    assertEquals(cutPayload(utf8("a\nb\\c\td"), 6).payload, "a\nb\\");
  },
});

Deno.test({
  name: "cut base64 has whole groups of four",
  permissions,
  fn() {
    const bytes = new Uint8Array(100).fill(0xFF);
    for (const [maxChars, length] of [[3, 0], [4, 4], [11, 8], [12, 12]] as const) {
      const cut = cutPayload(bytes, maxChars);
      assertEquals(cut.encoding, "base64");
      assertEquals(cut.payload.length, length);
      assertEquals(decodePayload(cut.payload, "base64"), bytes.subarray(0, length / 4 * 3));
    }
  },
});

Deno.test({
  name: "a cut payload is the longest beginning that fits",
  permissions,
  fn() {
    const random = new Random(7);
    const jsonLength = (text: string) => JSON.stringify(text).length - 2;
    for (let round = 0; round < 3_000; round++) {
      const characters = [...random.text(random.int(1, 60), 'aé☃😀"\n\\')];
      const text = characters.join("");
      const maxChars = random.int(0, jsonLength(text));
      const { payload, encoding, size } = cutPayload(utf8(text), maxChars);
      const next = characters[[...payload].length];
      const where = `seed 7, round ${round}`;
      assertEquals(encoding, undefined, where);
      assertEquals(size, utf8(text).length, where);
      assert(text.startsWith(payload), where);
      assert(jsonLength(payload) <= maxChars, where);
      assert(next === undefined || jsonLength(payload + next) > maxChars, where);
    }
  },
});

Deno.test({
  name: "a beginning of any bytes is exact, whatever they are",
  permissions,
  fn() {
    const random = new Random(8);
    for (let round = 0; round < 3_000; round++) {
      const bytes = random.chance(0.5)
        ? random.bytes(random.int(0, 40))
        : Uint8Array.from({ length: random.int(0, 40) }, () =>
          random.pick([0x41, 0x80, 0xE2, 0xF0]));
      const { payload, encoding = "utf8" } = cutPayload(bytes, random.int(0, 30));
      const shown = decodePayload(payload, encoding);
      assertEquals(shown, bytes.subarray(0, shown.length).slice(), `seed 8, round ${round}`);
    }
  },
});
