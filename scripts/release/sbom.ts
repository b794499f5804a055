import { type LockedPackage, packageId } from "./lock.ts";

/** What the bill of materials is made from. */
export interface Ingredients {
  /** Name, version and licence of the product. */
  product: { name: string; version: string; license: string };
  /** The version of Deno that the binaries are made on. */
  deno: string;
  /** Every package of deno.lock. */
  locked: readonly LockedPackage[];
  /** Those that are in the binary, with their licences. */
  shipped: readonly { name: string; version: string; license: string }[];
}

/** The version of CycloneDX (ECMA-424) that is written. */
const SPEC_VERSION = "1.6";

/**
 * The bill of materials in CycloneDX's JSON. What is in the binary has the scope `required`, what only
 * builds or tests it `excluded` (CycloneDX 1.6, component.scope). Equal ingredients give equal text,
 * so it has no date, and its serial number is drawn from its content.
 *
 * @throws {Error} if something is in the binary that deno.lock does not have
 */
export async function billOfMaterials(from: Ingredients): Promise<Record<string, unknown>> {
  const { product, deno, locked, shipped } = from;
  const licenses = new Map(
    shipped.map((one) => [packageId({ registry: "npm", ...one }), one.license]),
  );
  const refs = new Map(locked.map((one) => [packageId(one), purl(one)]));
  const unknown = [...licenses.keys()].filter((id) => !refs.has(id));
  if (unknown.length > 0) {
    throw new Error(`Cannot write the SBOM: deno.lock has no ${unknown.join(", ")}`);
  }
  const productRef = `pkg:generic/${product.name}@${product.version}`;
  const base = denoComponent(deno);
  const runtime = [base["bom-ref"], ...[...licenses.keys()].map((id) => refs.get(id) ?? id)];
  const content = {
    metadata: {
      component: {
        type: "application",
        "bom-ref": productRef,
        name: product.name,
        version: product.version,
        licenses: [{ license: { id: product.license } }],
        purl: productRef,
      },
    },
    components: [base, ...locked.map((one) => component(one, licenses.get(packageId(one))))],
    dependencies: [
      { ref: productRef, dependsOn: runtime.sort() },
      { ref: base["bom-ref"] },
      ...locked.map((one) => ({
        ref: purl(one),
        dependsOn: one.dependencies.map((id) => refs.get(id) ?? id),
      })),
    ],
  };
  return {
    $schema: `http://cyclonedx.org/schema/bom-${SPEC_VERSION}.schema.json`,
    bomFormat: "CycloneDX",
    specVersion: SPEC_VERSION,
    serialNumber: `urn:uuid:${await uuidOf(JSON.stringify(content))}`,
    version: 1,
    ...content,
  };
}

function denoComponent(version: string) {
  return {
    type: "platform",
    "bom-ref": `pkg:github/denoland/deno@v${version}`,
    name: "deno",
    version,
    description: "The base of deno compile (denort): Deno's runtime and V8",
    scope: "required",
    licenses: [{ license: { id: "MIT" } }],
    cpe: `cpe:2.3:a:deno:deno:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:github/denoland/deno@v${version}`,
  };
}

function component(locked: LockedPackage, license: string | undefined) {
  const [scope, name] = locked.name.startsWith("@") ? locked.name.split("/") : [, locked.name];
  return {
    type: "library",
    "bom-ref": purl(locked),
    ...(scope === undefined ? {} : { group: scope }),
    name,
    version: locked.version,
    scope: license === undefined ? "excluded" : "required",
    hashes: [hash(locked)],
    ...(license === undefined ? {} : { licenses: [licenseChoice(license)] }),
    purl: purl(locked),
  };
}

/** A plain identifier, an SPDX expression, or, where a manifest says neither, its words. */
function licenseChoice(text: string) {
  if (/^[\w.+-]+-[\w.+-]+$|^(MIT|ISC|0BSD|Unlicense)$/.test(text)) return { license: { id: text } };
  return / (OR|AND|WITH) /.test(text) ? { expression: text } : { license: { name: text } };
}

function hash({ registry, integrity }: LockedPackage): { alg: string; content: string } {
  if (registry === "jsr") return { alg: "SHA-256", content: integrity };
  const bytes = Uint8Array.fromBase64(integrity.replace(/^sha512-/, ""));
  return { alg: "SHA-512", content: bytes.toHex() };
}

function purl({ registry, name, version }: LockedPackage): string {
  return `pkg:${registry}/${name.replace("@", "%40")}@${version}`;
}

/** A UUID of version 8 (RFC 9562, section 5.8), of the text's SHA-256. */
async function uuidOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const bytes = new Uint8Array(digest).subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
