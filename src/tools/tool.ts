/**
 * The one shape of a tool, and the boundary that turns what a tool throws into a result.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { MqttSmcpError } from "../errors.ts";
import type { Connection } from "../mqtt/connection.ts";
import type { Endpoint } from "../mqtt/dial.ts";
import type { SessionState } from "../mqtt/session.ts";
import type { Subscriptions } from "../mqtt/subscriptions.ts";
import type { Policy } from "../policy.ts";
import type { Bound } from "../wait.ts";
import { type Arguments, type Params, readArguments } from "./params.ts";

/** What every call has at hand. */
export interface ToolServices {
  readonly clock: Clock;
  readonly policy: Policy;
  readonly subscriptions: Subscriptions;
  /** The open connection, waiting for it as long as the bound says. */
  readonly connect: (bound: Bound) => Promise<Connection>;
  /** Where the session stands. */
  readonly session: {
    readonly state: SessionState;
    readonly lastError: MqttSmcpError | undefined;
  };
  readonly broker: Pick<Endpoint, "host" | "port" | "transport"> & { readonly tls: unknown };
  /** Bound on the text of one result, in UTF-16 code units. */
  readonly maxResultChars: number;
}

/** What one call has at hand. */
export interface ToolContext extends ToolServices {
  /** Fires when the client cancels the call or is gone. */
  readonly signal: AbortSignal;
  /** Sends progress, if the client asked for it; both in seconds. */
  readonly progress: (elapsed: number, total: number) => void;
}

/** The hints of MCP's ToolAnnotations, all of them given. */
export interface Annotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** A successful result, beside `success`. */
export type ToolResult = Readonly<Record<string, unknown>>;

/** One tool. */
export interface Tool<P extends Params = Params> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly params: P;
  /** JSON Schemas of the result's fields beside `success`, `error`, `code` and `hint`. */
  readonly output: Readonly<Record<string, Record<string, unknown>>>;
  readonly annotations: Annotations;
  /** What the call does, as the words after "Cannot ". */
  readonly action: (args: Arguments<P>) => string;
  /** @throws {MqttSmcpError} whatever went wrong, without the words of `action`. */
  readonly run: (args: Arguments<P>, context: ToolContext) => Promise<ToolResult>;
}

/** A tool whose parameters' types are known only to itself. */
export interface AnyTool extends Omit<Tool, "action" | "run"> {
  /** Runs the tool; never rejects but for a cancelled call. */
  readonly call: (
    sent: Readonly<Record<string, unknown>>,
    context: ToolContext,
  ) => Promise<Outcome>;
}

/** What a call came to. */
export interface Outcome {
  readonly failed: boolean;
  readonly result: { readonly success: boolean } & ToolResult;
}

/** Closes a tool over its parameters' types and adds the boundary. */
export function defineTool<const P extends Params>(tool: Tool<P>): AnyTool {
  return {
    ...tool,
    async call(sent, context): Promise<Outcome> {
      let action = `call ${tool.name}`;
      try {
        const args = readArguments(tool.params, sent);
        action = tool.action(args);
        return { failed: false, result: { success: true, ...await tool.run(args, context) } };
      } catch (error) {
        return { failed: true, result: describeFailure(action, error) };
      }
    },
  };
}

function describeFailure(action: string, error: unknown): Outcome["result"] {
  if (!(error instanceof MqttSmcpError)) {
    return {
      success: false,
      error: `Cannot ${action}: an unexpected error in the server`,
      code: "INTERNAL",
    };
  }
  return {
    success: false,
    error: `Cannot ${action}: ${error.message}`,
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}
