import { assert, assertEquals, assertThrows } from "@std/assert";
import { MqttSmcpError } from "../../src/errors.ts";
import { inputSchema, type Params, readArguments } from "../../src/tools/params.ts";

const permissions = "none";

const PARAMS = {
  name: { type: "string", description: "A name", required: true },
  count: { type: "integer", description: "A count", minimum: 1, maximum: 10 },
  seconds: { type: "number", description: "Seconds", default: 2, minimum: 0, maximum: 300 },
  qos: { type: "integer", description: "QoS", default: 1, enum: [0, 1, 2] },
  flag: { type: "boolean", description: "A flag", default: false },
  mode: { type: "string", description: "A mode", default: "a", enum: ["a", "b"] },
} as const satisfies Params;

function faultOf(sent: Record<string, unknown>): string {
  const error = assertThrows(() => readArguments(PARAMS, { name: "n", ...sent }), MqttSmcpError);
  assertEquals(error.code, "INVALID_ARGUMENT");
  return error.message;
}

Deno.test({
  name: "absent, null and undefined arguments get their defaults",
  permissions,
  fn() {
    const wanted = { name: "n", seconds: 2, qos: 1, flag: false, mode: "a" };
    assertEquals(readArguments(PARAMS, { name: "n" }), wanted as never);
    const sent = { name: "n", seconds: null, qos: undefined, count: null };
    assertEquals(readArguments(PARAMS, sent), wanted as never);
  },
});

Deno.test({
  name: "texts that parents send for numbers and booleans are taken",
  permissions,
  fn() {
    const read = readArguments(PARAMS, {
      name: "n",
      count: "3",
      seconds: " 2.5 ",
      qos: "0",
      flag: "true",
    });
    assertEquals([read.count, read.seconds, read.qos, read.flag], [3, 2.5, 0, true]);
    assertEquals(readArguments(PARAMS, { name: "n", flag: "false" }).flag, false);
    assertEquals(readArguments(PARAMS, { name: "n", seconds: 0 }).seconds, 0);
    assertEquals(readArguments(PARAMS, { name: "n", seconds: "300" }).seconds, 300);
  },
});

Deno.test({
  name: "a bad number names its range",
  permissions,
  fn() {
    const bad: unknown[] = [
      -1,
      301,
      NaN,
      Infinity,
      "NaN",
      "Infinity",
      "1e2",
      "",
      " ",
      "0x10",
      "9".repeat(400),
      true,
      [],
      {},
    ];
    for (const seconds of bad) {
      assertEquals(faultOf({ seconds }), "seconds must be a number from 0 to 300");
    }
    for (const count of [0, 11, 1.5, "1.5", "eleven"]) {
      assertEquals(faultOf({ count }), "count must be an integer from 1 to 10");
    }
    for (const qos of [3, -1, 0.5, "3", true]) {
      assertEquals(faultOf({ qos }), "qos must be one of 0, 1, 2");
    }
  },
});

Deno.test({
  name: "booleans and texts are not taken for each other",
  permissions,
  fn() {
    for (const flag of [1, 0, "yes", "TRUE", "", {}]) {
      assertEquals(faultOf({ flag }), "flag must be true or false");
    }
    for (const name of [1, true, {}, []]) assertEquals(faultOf({ name }), "name must be a string");
    assertEquals(faultOf({ mode: "c" }), 'mode must be one of "a", "b"');
  },
});

Deno.test({
  name: "every fault is reported at once",
  permissions,
  fn() {
    const error = assertThrows(
      () => readArguments(PARAMS, { count: 0, flag: "maybe", colour: "red" }),
      MqttSmcpError,
    );
    for (const word of ["'colour'", "name is required", "count must", "flag must"]) {
      assert(error.message.includes(word), error.message);
    }
  },
});

Deno.test({
  name: "names that objects have anyway are unknown parameters like any other",
  permissions,
  fn() {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const sent = JSON.parse(`{"name":"n","${name}":1}`);
      const error = assertThrows(() => readArguments(PARAMS, sent), MqttSmcpError);
      assert(error.message.includes(`'${name}'`), error.message);
    }
    const named = { constructor: { type: "string", description: "Odd" } } as const;
    assertEquals(readArguments(named, {}), {} as never);
    assertEquals(({} as Record<string, unknown>)["polluted"], undefined);
  },
});

Deno.test({
  name: "however many arguments are unknown, the fault stays short",
  permissions,
  fn() {
    const sent = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`unknown${i}`, i]));
    const fault = faultOf(sent);
    assert(fault.length < 5_000, String(fault.length));
    assert(fault.includes("'unknown0'"));
    assert(faultOf({ ["x".repeat(100_000)]: 1 }).length < 1_000);
  },
});

Deno.test({
  name: "a parameter that is JSON may come as text or as itself",
  permissions,
  fn() {
    const params = { data: { type: "string", description: "Data", json: true } } as const;
    assertEquals(readArguments(params, { data: { a: 1 } }).data, '{"a":1}');
    assertEquals(readArguments(params, { data: '{"a":1}' }).data, '{"a":1}');
  },
});

Deno.test({
  name: "in the schema every parameter has one plain type and a description, and nothing private",
  permissions,
  fn() {
    const schema = inputSchema({
      ...PARAMS,
      data: { type: "string", description: "D", json: true },
    });
    assertEquals(schema["required"], ["name"]);
    assertEquals(schema["additionalProperties"], false);
    const properties = schema["properties"] as Record<string, Record<string, unknown>>;
    for (const [name, property] of Object.entries(properties)) {
      assertEquals(typeof property["type"], "string", name);
      assert(String(property["description"]).length > 0, name);
      assertEquals(["required" in property, "json" in property], [false, false], name);
    }
    assertEquals(properties["seconds"]?.["default"], 2);
  },
});
