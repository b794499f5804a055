/**
 * Who this is.
 *
 * @module
 */

/** Name and version, as the `initialize` answer and `--version` give them. */
export const PRODUCT = { name: "mqtt-smcp-server", version: "0.1.0" } as const;
