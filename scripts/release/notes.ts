/** Where a release says its version. */
export interface Versions {
  /** The tag that is released, such as `v0.1.0`. */
  tag: string;
  /** deno.json's version. */
  config: string;
  /** What the program itself says. */
  program: string;
}

/**
 * The version that everything agrees on.
 *
 * @throws {Error} naming all three if they do not
 */
export function releasedVersion({ tag, config, program }: Versions): string {
  if (tag === `v${config}` && config === program) return config;
  throw new Error(
    `Cannot release ${tag}: deno.json has version ${config}, src/version.ts ${program}`,
  );
}

/**
 * What a changelog says of a version, without its heading.
 *
 * @param changelog in the format of Keep a Changelog
 * @param version such as `0.1.0`, or `Unreleased`
 * @throws {Error} if it has no such section, or an empty one
 */
export function changelogSection(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.startsWith(`[${version}]`));
  const body = section?.slice(section.indexOf("\n")).trim() ?? "";
  if (body === "") throw new Error(`Cannot write release notes: CHANGELOG.md has no ${version}`);
  return `${body}\n`;
}
