/**
 * Reading resources, for the tests of them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { decodePayload } from "../../src/payload.ts";
import type { McpClient } from "./mcp_client.ts";

/** What a read gives. */
export interface Content {
  readonly uri: string;
  readonly mimeType: string;
  readonly text?: string;
  readonly blob?: string;
  readonly _meta: {
    readonly source: string;
    readonly retain: boolean;
    readonly qos: number;
    readonly received: string;
    readonly truncated?: boolean;
    readonly size?: number;
  };
}

/** The URI of a topic that needs no percent-encoding. */
export const uriOf = (topic: string): string => `mqtt://broker/${topic}`;

/** Reads the resource `mqtt://broker/` with this rest. */
export async function read(wire: McpClient, topic: string): Promise<Content> {
  const { contents } = await wire.result("resources/read", { uri: uriOf(topic) }) as {
    contents: Content[];
  };
  assertEquals(contents.length, 1);
  return contents[0] as Content;
}

/** The text of a value, whichever way it came. */
export function textOf({ text, blob = "" }: Content): string {
  return text ?? new TextDecoder().decode(decodePayload(blob, "base64"));
}
