/**
 * Programs that a test needs and a machine may not have.
 *
 * @module
 */

/** Where the programs are looked for when PATH does not name the place, as for daemons. */
const ALSO = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"];

/** Full path of a program, or undefined when this machine does not have it. */
export function findProgram(name: string): string | undefined {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), ...ALSO];
  return folders.map((folder) => `${folder}/${name}`).find(isFile);
}

/** Whether a real Mosquitto can be started here. */
export function mosquittoAvailable(): boolean {
  return findProgram("mosquitto") !== undefined;
}

/** Whether nothing may be skipped: the environment variable REQUIRE_ALL is 1. */
export function requireAll(): boolean {
  return Deno.env.get("REQUIRE_ALL") === "1";
}

/**
 * The `ignore` of a test that needs these programs: true when one is absent, but never under
 * REQUIRE_ALL=1, where the test then runs and fails.
 */
export function requireOrIgnore(...names: string[]): boolean {
  return !requireAll() && names.some((name) => findProgram(name) === undefined);
}

/** Whether `path` names a file, links followed. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
