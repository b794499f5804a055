import { assert, assertEquals, assertFalse } from "@std/assert";
import { Redactor } from "../src/redact.ts";
import { escapeLine, quote, toSafeJson } from "../src/text.ts";
import { Random } from "./support/random.ts";

const permissions = "none";
const SECRET = 'pa"ss\\w/ö+r d\u001b\n?';
const LINES = Array.from({ length: 4 }, (_, i) => `MIIBkTCB${i}AnBgkqhkiG9w0BAQsFADASMRAwD+/gYD`);
const PEM = `-----BEGIN PRIVATE KEY-----\n${LINES.join("\n")}\n-----END PRIVATE KEY-----\n`;

Deno.test({
  name: "a secret is hidden wherever it appears",
  permissions,
  fn() {
    const redactor = new Redactor(["hunter2"]);
    assertEquals(redactor.redact("hunter2, hunter2hunter2!"), "[hidden], [hidden][hidden]!");
    assertEquals(redactor.redact("nothing here"), "nothing here");
  },
});

Deno.test({
  name: "a secret is hidden in every form that it may take",
  permissions,
  fn() {
    const redactor = new Redactor([SECRET]);
    const bytes = new TextEncoder().encode(SECRET);
    const forms = [
      SECRET,
      JSON.stringify(SECRET).slice(1, -1),
      toSafeJson(SECRET).slice(1, -1),
      encodeURIComponent(SECRET),
      encodeURIComponent(SECRET).toLowerCase(),
      encodeURI(SECRET),
      new URLSearchParams({ "": SECRET }).toString().slice(1),
      bytes.toBase64(),
      bytes.toBase64({ alphabet: "base64url", omitPadding: true }),
      escapeLine(SECRET),
    ];
    for (const form of forms) {
      assertEquals(redactor.redact(`<${form}>`), "<[hidden]>", form);
    }
  },
});

Deno.test({
  name: "a secret is hidden in the base64 of a longer text, at every alignment",
  permissions,
  fn() {
    const redactor = new Redactor(["correct horse battery"]);
    for (const user of ["u", "us", "use", "user"]) {
      const shown = redactor.redact(btoa(`${user}:correct horse battery:tail`));
      assert(shown.includes("[hidden]"), shown);
      assertFalse(/Y29ycmVjd|jb3JyZWN0|b3JyZWN0|cnJlY3Q/.test(shown), shown);
    }
  },
});

Deno.test({
  name: "a secret that an error message cut short is hidden",
  permissions,
  fn() {
    const secret = new Random(12).text(500);
    assertEquals(
      new Redactor([secret]).redact(`Cannot use ${quote(secret)}`),
      "Cannot use '[hidden]…' (500 characters)",
    );
  },
});

Deno.test({
  name: "every line of a PEM is hidden, alone too, but not what every PEM has",
  permissions,
  fn() {
    const redactor = new Redactor([PEM]);
    assertEquals(redactor.redact(`key: ${PEM}`), "key: [hidden]");
    assertEquals(redactor.redact(PEM.replaceAll("\n", "\\n")), "[hidden]");
    for (const line of LINES) assertEquals(redactor.redact(`at ${line}.`), "at [hidden].");
    const header = "no -----BEGIN CERTIFICATE----- found";
    assertEquals(redactor.redact(header), header);
  },
});

Deno.test({
  name: "of two secrets the longer one is hidden whole",
  permissions,
  fn() {
    const redactor = new Redactor(["pass", "password1"]);
    assertEquals(redactor.redact("password1 pass"), "[hidden] [hidden]");
  },
});

Deno.test({
  name: "overlapping secrets are hidden together",
  permissions,
  fn() {
    assertEquals(new Redactor(["abcd", "cdef"]).redact("xabcdefx"), "x[hidden]x");
    assertEquals(new Redactor(["aba"]).redact("xababax"), "x[hidden]x");
  },
});

Deno.test({
  name: "secrets too short to hide do not spoil the log",
  permissions,
  fn() {
    assertEquals(new Redactor(["", "a", "in"]).redact("a line"), "a line");
  },
});

Deno.test({
  name: "a secret with an unpaired surrogate does no harm",
  permissions,
  fn() {
    assertEquals(new Redactor(["abc\uD800"]).redact("x abc\uD800"), "x [hidden]");
  },
});
