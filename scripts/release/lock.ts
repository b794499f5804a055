/** deno.lock, version 5, as far as it is read here. */
export interface Lock {
  version: string;
  jsr?: Record<string, { integrity: string; dependencies?: string[] }>;
  npm?: Record<string, { integrity: string; dependencies?: string[] }>;
}

/** One package of a lock file. */
export interface LockedPackage {
  registry: "npm" | "jsr";
  name: string;
  version: string;
  /** npm: SHA-512 in base 64, behind `sha512-`; JSR: SHA-256 of the manifest, hexadecimal. */
  integrity: string;
  /** {@linkcode packageId} of each package it depends on. */
  dependencies: string[];
}

/** What tells one package from another: `npm:ws@8.23.0`. */
export function packageId(locked: Pick<LockedPackage, "registry" | "name" | "version">): string {
  return `${locked.registry}:${locked.name}@${locked.version}`;
}

/**
 * Every package of a lock file, once, sorted. The same version with other peers is the same package.
 *
 * @throws {Error} if it is not of version 5, or a dependency is not in it
 */
export function lockedPackages(lock: Lock): LockedPackage[] {
  if (lock.version !== "5") {
    throw new Error(`Cannot read deno.lock: it is of version ${lock.version}, not 5`);
  }
  const found = new Map<string, LockedPackage>();
  for (const registry of ["npm", "jsr"] as const) {
    const entries = lock[registry] ?? {};
    const keys = Object.keys(entries);
    for (const [key, { integrity, dependencies = [] }] of Object.entries(entries)) {
      const { name, version } = parseKey(key);
      const needs = dependencies.map((text) => resolve(registry, keys, text));
      const locked = { registry, name, version, integrity, dependencies: needs };
      const before = found.get(packageId(locked))?.dependencies ?? [];
      locked.dependencies = [...new Set([...before, ...needs])].sort();
      found.set(packageId(locked), locked);
    }
  }
  return [...found.values()].sort((a, b) => packageId(a) < packageId(b) ? -1 : 1);
}

/** Peers follow an underscore, which no version has; a name may have one. */
function parseKey(key: string): { name: string; version: string } {
  const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
  if (name === undefined || version === undefined) {
    throw new Error(`Cannot read deno.lock: "${key}" is not a package`);
  }
  return { name, version };
}

/** A dependency is a bare name where the lock has one version of it only, or `alias@npm:real`. */
function resolve(registry: "npm" | "jsr", keys: string[], text: string): string {
  const wanted = text.replace(/^.*(?:npm|jsr):/, "");
  const key = keys.find((key) => key === wanted) ??
    keys.find((key) => parseKey(key).name === wanted) ??
    keys.find((key) => key.startsWith(`${wanted}_`));
  if (key === undefined) throw new Error(`Cannot read deno.lock: it has no ${registry} ${text}`);
  return packageId({ registry, ...parseKey(key) });
}
