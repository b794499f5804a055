import { fromFileUrl } from "./file_url.ts";

/** The checkout's folder, absolute, without a trailing separator. */
export const ROOT: string = fromFileUrl(new URL("../../", import.meta.url)).replace(/[\\/]$/, "");

/** Everything that a task may write and throw away; git ignores it. */
export const CACHE: string = `${ROOT}/.cache`;

/** Where `deno task compile` leaves its binaries; git ignores it. */
export const DIST: string = `${ROOT}/dist`;
