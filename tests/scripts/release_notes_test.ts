import { assertEquals, assertThrows } from "@std/assert";
import { changelogSection, releasedVersion } from "../../scripts/release/notes.ts";

const test = (name: string, fn: () => void): void => Deno.test({ name, permissions: "none", fn });

test("a tag is released only if deno.json and the program say the same version", () => {
  const versions = { tag: "v1.2.3", config: "1.2.3", program: "1.2.3" };
  assertEquals(releasedVersion(versions), "1.2.3");
  for (const wrong of [{ tag: "1.2.3" }, { config: "1.2.4" }, { program: "1.2.4" }]) {
    assertThrows(() => releasedVersion({ ...versions, ...wrong }), Error, "Cannot release");
  }
});

test("the notes of a release are the changelog's section of it", () => {
  const text =
    "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-01-02\n\n### Added\n\n- One.\n\n" +
    "## [1.0.0] - 2026-01-01\n\n- Zero.\n";
  assertEquals(changelogSection(text, "1.1.0"), "### Added\n\n- One.\n");
  assertEquals(changelogSection(text, "1.0.0"), "- Zero.\n");
  assertThrows(() => changelogSection(text, "Unreleased"), Error, "has no Unreleased");
  assertThrows(() => changelogSection(text, "1.0"), Error, "has no 1.0");
});
