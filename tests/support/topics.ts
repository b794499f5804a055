/**
 * All small topic filters and names, and a second, slow opinion on what matches: for property tests.
 *
 * @module
 */

/** Whether `filter` matches `name`, by regular expression: independent of src/topic.ts. */
export function slowlyMatches(filter: string, name: string): boolean {
  return asRegExp(filter).test(name);
}

/** The filter as a regular expression over names. */
export function asRegExp(filter: string): RegExp {
  const guard = /^[+#]/.test(filter) ? "(?!\\$)" : "";
  const body = filter
    .replace(/[.*?^${}()|[\]\\]/g, "\\$&")
    .replace(/^#$/, "[^]*")
    .replace(/\/#$/, "(?:/[^]*)?")
    .replaceAll("+", "[^/]*");
  return new RegExp(`^${guard}${body}$`);
}

/** All names of at most `depth` levels over `levels`. */
export function allNames(levels: readonly string[], depth: number): string[] {
  return allPaths(levels, depth).filter((name) => name !== "");
}

/** All valid filters of at most `depth` levels over `levels`, `+` and a last `#`. */
export function allFilters(levels: readonly string[], depth: number): string[] {
  const withoutHash = allPaths([...levels, "+"], depth).filter((filter) => filter !== "");
  const parents = allPaths([...levels, "+"], depth - 1);
  return [...withoutHash, "#", ...parents.map((parent) => `${parent}/#`)];
}

function allPaths(levels: readonly string[], depth: number): string[] {
  const paths: string[] = [];
  let longest = [...levels];
  for (let i = 1; i <= depth; i++) {
    paths.push(...longest);
    longest = longest.flatMap((path) => levels.map((level) => `${path}/${level}`));
  }
  return paths;
}
