import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * The path of a `file:` URL, in this system's notation.
 *
 * @throws {TypeError} if the URL is not a `file:` URL
 */
export function fromFileUrl(url: URL): string {
  return fileURLToPath(url);
}

/** The `file:` URL of an absolute path. */
export function toFileUrl(path: string): string {
  return pathToFileURL(path).href;
}
