/**
 * The list of tools, in the order in which a client sees them.
 *
 * @module
 */

import { getRetained } from "./get_retained.ts";
import { listTopics } from "./list_topics.ts";
import { publish } from "./publish.ts";
import { request } from "./request.ts";
import { status } from "./status.ts";
import { subscribe } from "./subscribe.ts";
import type { AnyTool } from "./tool.ts";
import { unsubscribe } from "./unsubscribe.ts";

/** The tools that only read: all that is left when the operator forbids publishing. */
export const READING_TOOLS: readonly AnyTool[] = [
  subscribe,
  getRetained,
  unsubscribe,
  listTopics,
  status,
];

/** Every tool. */
export const TOOLS: readonly AnyTool[] = [publish, request, ...READING_TOOLS];
