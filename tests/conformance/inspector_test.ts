import { assert, assertEquals } from "@std/assert";
import { type AedesBroker, startAedes } from "../support/aedes.ts";
import { connectPeer, type MqttPeer } from "../support/mqtt_client.ts";
import { credentialsFor, ignoreKind } from "../support/server_process.ts";
import { type Inspection, Inspector, TOOL_IS_ERROR } from "./inspector.ts";
import { writeOutcomes } from "./outcomes.ts";
import { closed, type JsonSchema, schemaFaults } from "./schemas.ts";

interface ListedTool {
  readonly name: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
}

/** Calls in this order; the server of each is a new one, only the broker remembers. */
const CALLS: readonly [tool: string, args: Readonly<Record<string, unknown>>][] = [
  ["publish", { topic: "lamp/state", message: '{"on":true}', retain: true }],
  ["get_retained", { topic: "lamp/state" }],
  ["subscribe", { topic: "lamp/#", timeout: 0.5 }],
  ["request", { topic: "lamp/set", message: "off", response_topic: "lamp/state" }],
  ["list_topics", { timeout: 0.2 }],
  ["status", {}],
];

/** Fails as a call may, in a way that needs the whole result to be understood. */
const FAILING_CALL = ["unsubscribe", { topic: "nobody/listens" }] as const;

/** A device that answers what is sent to lamp/set on lamp/state. */
async function startLamp(
  { hostname, port }: AedesBroker,
  login: { readonly username: string; readonly password: string },
): Promise<MqttPeer> {
  const lamp = await connectPeer(`mqtt://${hostname}:${port}`, login);
  lamp.client.on("message", (_, payload) => lamp.client.publish("lamp/state", payload));
  await lamp.subscribe("lamp/set");
  return lamp;
}

function call(inspector: Inspector, tool: string, args: unknown): Promise<Inspection> {
  const json = JSON.stringify(args);
  return inspector.run("tools/call", "--tool-name", tool, "--tool-args-json", json);
}

/** The text says the same as the structure, and the structure is what the schema promises. */
function assertKeepsPromise({ result }: Inspection, { outputSchema }: ListedTool): void {
  const [content] = result.content as { text: string }[];
  assertEquals(JSON.parse(content?.text ?? ""), result.structuredContent);
  assertEquals(schemaFaults(closed(outputSchema) as JsonSchema, result.structuredContent), []);
}

function countWarnings({ schemaFindings }: Inspection): number {
  return schemaFindings.flatMap(({ findings = [] }) => findings)
    .filter(({ severity }) => severity === "warning").length;
}

Deno.test({
  name: "the inspector on the compiled server, through the launcher",
  ignore: Deno.build.os === "windows" || ignoreKind("compiled"),
  async fn(t) {
    const login = { username: "inspector", password: "correct horse" };
    await using broker = await startAedes({ authenticate: login });
    await using _lamp = await startLamp(broker, login);
    await using inspector = await Inspector.configure(
      credentialsFor(broker, { MQTT_USER: login.username, MQTT_PASS: login.password }),
    );
    const outcomes: Record<string, string> = {};
    const step = async (title: string, check: () => Promise<string>): Promise<void> => {
      await t.step(title, async () => {
        outcomes[title] = await check();
      });
    };
    let tools: readonly ListedTool[] = [];

    await step("tools/list --strict", async () => {
      const listed = await inspector.run("tools/list", "--strict");
      assertEquals(listed.code, 0, listed.errors);
      tools = listed.result.tools as ListedTool[];
      assert(tools.length > CALLS.length);
      return `${tools.length} tools, 0 errors, warnings: ${countWarnings(listed)}`;
    });

    await step("every schema, by Ajv in strict mode for draft 2020-12", () => {
      for (const { inputSchema, outputSchema } of tools) {
        for (const schema of [inputSchema, outputSchema]) schemaFaults(schema, {});
      }
      return Promise.resolve(`${2 * tools.length} schemas, 0 faults`);
    });

    const find = (name: string): ListedTool => {
      const tool = tools.find((tool) => tool.name === name);
      assert(tool !== undefined, `${name} is not listed`);
      return tool;
    };

    for (const [name, args] of CALLS) {
      await step(`tools/call ${name}`, async () => {
        const tool = find(name);
        assertEquals(schemaFaults(tool.inputSchema, args), []);
        const called = await call(inspector, name, args);
        assertEquals(called.code, 0, called.errors);
        const result = called.result.structuredContent as Record<string, unknown>;
        assertEquals(result.success, true);
        assertKeepsPromise(called, tool);
        if (name === "get_retained") {
          const [message] = result.messages as { payload: string }[];
          assertEquals(message?.payload, '{"on":true}');
        }
        return "success, as its outputSchema says";
      });
    }

    const [name, args] = FAILING_CALL;
    await step(`tools/call ${name}, which must fail`, async () => {
      const called = await call(inspector, name, args);
      assertEquals(called.code, TOOL_IS_ERROR, called.errors);
      assertKeepsPromise(called, find(name));
      return "isError, as its outputSchema says";
    });

    await step("resources/read", async () => {
      const read = await inspector.run("resources/read", "--uri", "mqtt://broker/lamp/state");
      assertEquals(read.code, 0, read.errors);
      const [content] = read.result.contents as { text: string }[];
      assertEquals(content?.text, '{"on":true}');
      return "the topic's value";
    });

    await step("tools/list --protocol-era auto", async () => {
      const listed = await inspector.run("tools/list", "--protocol-era", "auto");
      assertEquals(listed.code, 0, listed.errors);
      assertEquals((listed.result.tools as unknown[]).length, tools.length);
      return "agrees on the version that the server speaks";
    });

    await writeOutcomes("inspector", outcomes);
  },
});
