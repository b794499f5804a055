/**
 * Certificates made by the test itself: nothing to renew, nothing secret in the repository.
 *
 * @module
 */

// The certificate library's dependency injection wants this before it is loaded itself.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;

/** One certificate and its key, as PEM text and as files. */
export interface Identity {
  /** PEM of the certificate. */
  readonly cert: string;
  /** PEM (PKCS #8) of the private key. */
  readonly key: string;
  /** Path of a file with `cert`. */
  readonly certFile: string;
  /** Path of a file with `key`. */
  readonly keyFile: string;
}

/** All certificates that the TLS tests need; the files go when it is disposed. */
export interface Certificates extends AsyncDisposable {
  /** Folder of the files. */
  readonly folder: string;
  /** The authority that signed everything but `otherCa` and `stranger`. */
  readonly ca: Identity;
  /** An authority that signed only `stranger`. */
  readonly otherCa: Identity;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: Identity;
  /** As `server`, but expired yesterday. */
  readonly expired: Identity;
  /** For wrong.example only. */
  readonly wrongHost: Identity;
  /** A client certificate (CN=device). */
  readonly client: Identity;
  /** A client certificate by `otherCa`. */
  readonly stranger: Identity;
}

interface Issuer {
  readonly name: string;
  readonly keys: CryptoKeyPair;
}

/** Makes them all, in a new folder under the system's temporary one. */
export async function makeCertificates(): Promise<Certificates> {
  x509.cryptoProvider.set(crypto);
  const folder = await Deno.makeTempDir({ prefix: "mqtt-smcp-certificates-" });
  const [caKeys, otherKeys] = [await makeKeys(), await makeKeys()];
  const ca: Issuer = { name: "CN=Test CA", keys: caKeys };
  const otherCa: Issuer = { name: "CN=Other CA", keys: otherKeys };
  const local = [dns("localhost"), ip("127.0.0.1"), ip("::1")];
  const make = (file: string, issuer: Issuer, leaf: Partial<Leaf>) =>
    writeIdentity(folder, file, issuer, { names: local, expired: false, use: "server", ...leaf });
  return {
    folder,
    ca: await writeAuthority(folder, "ca", ca),
    otherCa: await writeAuthority(folder, "other-ca", otherCa),
    server: await make("server", ca, {}),
    expired: await make("expired", ca, { expired: true }),
    wrongHost: await make("wrong-host", ca, { names: [dns("wrong.example")] }),
    client: await make("client", ca, { names: [], use: "client" }),
    stranger: await make("stranger", otherCa, { names: [], use: "client" }),
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

interface Leaf {
  readonly names: x509.JsonGeneralName[];
  readonly expired: boolean;
  readonly use: "server" | "client";
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function writeAuthority(folder: string, file: string, authority: Issuer): Promise<Identity> {
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: authority.name,
    notBefore: new Date(Date.now() - 10 * DAY_MS),
    notAfter: new Date(Date.now() + 10 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: authority.keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authority.keys.publicKey),
    ],
  });
  return await write(folder, file, certificate, authority.keys);
}

async function writeIdentity(
  folder: string,
  file: string,
  issuer: Issuer,
  leaf: Leaf,
): Promise<Identity> {
  const keys = await makeKeys();
  const usage = leaf.use === "server" ? "serverAuth" : "clientAuth";
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: leaf.use === "server" ? "CN=broker" : "CN=device",
    issuer: issuer.name,
    notBefore: new Date(Date.now() - 9 * DAY_MS),
    notAfter: new Date(Date.now() + (leaf.expired ? -1 : 9) * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[usage]]),
      ...(leaf.names.length > 0 ? [new x509.SubjectAlternativeNameExtension(leaf.names)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
    ],
  });
  return await write(folder, file, certificate, keys);
}

async function write(
  folder: string,
  file: string,
  certificate: x509.X509Certificate,
  keys: CryptoKeyPair,
): Promise<Identity> {
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  const identity: Identity = {
    cert: `${certificate.toString("pem")}\n`,
    key: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
    certFile: `${folder}/${file}.crt`,
    keyFile: `${folder}/${file}.key`,
  };
  await Deno.writeTextFile(identity.certFile, identity.cert);
  await Deno.writeTextFile(identity.keyFile, identity.key, { mode: 0o600 });
  return identity;
}

function dns(value: string): x509.JsonGeneralName {
  return { type: "dns", value };
}

function ip(value: string): x509.JsonGeneralName {
  return { type: "ip", value };
}

function serialNumber(): string {
  // A leading 00..7f byte keeps the DER integer positive.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return "01" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
