/**
 * The list of tools, in the order in which a client sees them.
 *
 * @module
 */

import { getRetained } from "./get_retained.ts";
import { publish } from "./publish.ts";
import { subscribe } from "./subscribe.ts";
import type { AnyTool } from "./tool.ts";
import { unsubscribe } from "./unsubscribe.ts";

/** Every tool. */
export const TOOLS: readonly AnyTool[] = [publish, subscribe, getRetained, unsubscribe];
