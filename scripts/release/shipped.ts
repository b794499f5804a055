import { bundle } from "../compile/bundle.ts";
import { fromFileUrl, toFileUrl } from "../lib/file_url.ts";

/** An npm package of which something is in the binary. */
export interface ShippedPackage {
  name: string;
  version: string;
  /** Its licence as its package.json names it, mostly an SPDX expression. */
  license: string;
  /** The text of its licence files; `""` if it carries none. */
  licenseText: string;
}

const LICENSE_FILE = /^(licen[cs]e|copying|notice)(\.(md|txt|mit))?$/i;

/**
 * The packages that are in the binary: those of which the bundle's source maps name a file. What the
 * bundler has left out as unreachable is not among them.
 *
 * @returns sorted by name and version
 * @throws {Error} with the bundler's words if it fails
 */
export async function shippedPackages(): Promise<ShippedPackage[]> {
  const { folder } = await bundle("main.ts", ["src/worker.ts"], ["--sourcemap=external"]);
  try {
    const places = new Map<string, URL>();
    for await (const map of sourceMaps(folder)) {
      const { sources } = JSON.parse(await Deno.readTextFile(map)) as { sources: string[] };
      for (const source of sources) {
        const url = new URL(source, toFileUrl(map));
        const place = /^.*\/npm\/[^/]+\/(?:@[^/]+\/)?[^/]+\/\d[^/]*\//.exec(url.href)?.[0];
        if (place !== undefined) places.set(place, new URL(place));
      }
    }
    const packages = await Promise.all([...places.values()].map(describe));
    return packages.sort((a, b) => `${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The notices that the licences of what is in the binary ask for. */
export function thirdPartyLicenses(packages: readonly ShippedPackage[], deno: string): string {
  const parts = packages.map(({ name, version, license, licenseText }) =>
    `${name} ${version} (${license})\n\n${
      licenseText || `This package carries no licence text; its manifest says ${license}.\n`
    }`
  );
  const base = `Deno ${deno} (MIT), with V8 and other parts under their own licences:
https://github.com/denoland/deno/blob/v${deno}/LICENSE.md\n`;
  return [`The binaries contain the following.\n`, base, ...parts].join(`\n${"-".repeat(80)}\n\n`);
}

async function* sourceMaps(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sourceMaps(`${folder}/${name}`);
    else if (name.endsWith(".map")) yield `${folder}/${name}`;
  }
}

async function describe(place: URL): Promise<ShippedPackage> {
  const manifest = JSON.parse(await Deno.readTextFile(new URL("package.json", place)));
  const texts: string[] = [];
  const files = await Array.fromAsync(Deno.readDir(fromFileUrl(place)), ({ name }) => name);
  for (const file of files.filter((name) => LICENSE_FILE.test(name)).sort()) {
    texts.push((await Deno.readTextFile(new URL(file, place))).trimEnd() + "\n");
  }
  return {
    name: manifest.name,
    version: manifest.version,
    license: typeof manifest.license === "string" ? manifest.license : "unknown",
    licenseText: texts.join("\n"),
  };
}
