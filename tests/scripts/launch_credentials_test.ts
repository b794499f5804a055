import { assert, assertEquals, assertFalse, assertInstanceOf, assertThrows } from "@std/assert";
import { credentialLine } from "../../scripts/launch/credentials.ts";
import { LaunchError } from "../../scripts/launch/errors.ts";
import { utf8 } from "../support/byte_streams.ts";

const SECRET = "hunter2-canary";

function test(name: string, fn: () => void): void {
  Deno.test({ name, permissions: "none", fn });
}

/** What the server would be told; the line must be one, and the source overwritten. */
function read(text: string): unknown {
  const bytes = utf8(text);
  const line = new TextDecoder().decode(credentialLine(bytes));
  assert(bytes.every((byte) => byte === 0));
  assertEquals(line.indexOf("\n"), line.length - 1);
  return JSON.parse(line);
}

function refusal(text: string | Uint8Array): string {
  const bytes = typeof text === "string" ? utf8(text) : text;
  const error = assertThrows(() => credentialLine(bytes));
  assertInstanceOf(error, LaunchError);
  assertFalse(error.message.includes(SECRET), error.message);
  assert(bytes.every((byte) => byte === 0));
  return error.message;
}

test("a JSON object is handed over as one line, however it was laid out", () => {
  const credentials = { MQTT_BROKER: "b", MQTT_PORT: 1883, MQTT_TLS: true, MQTT_CA: "a\nb" };
  assertEquals(read(JSON.stringify(credentials, null, 2)), credentials);
  assertEquals(read(`\n  ${JSON.stringify(credentials)}\n`), credentials);
});

test("lines of KEY=value are taken as they stand", () => {
  assertEquals(
    read(`# MQTT at home\n\nMQTT_BROKER=b\r\nMQTT_PASS= "a=b" # \nMQTT_USER=\n`),
    { MQTT_BROKER: "b", MQTT_PASS: ' "a=b" # ', MQTT_USER: "" },
  );
});

test("a byte order mark in front is no part of the credentials", () => {
  assertEquals(read("\uFEFFMQTT_BROKER=b"), { MQTT_BROKER: "b" });
});

test("what is no credentials is refused, and not repeated", () => {
  assert(refusal(SECRET).includes("line 1 is not KEY=value"));
  assert(refusal(`MQTT_BROKER=b\n${SECRET}\n`).includes("line 2 is not KEY=value"));
  assert(refusal(`MQTT_BROKER=b\nkey: ${SECRET}=\n`).includes("line 2"));
  assert(refusal(`MQTT_PASS=${SECRET}\nMQTT_PASS=${SECRET}`).includes("line 2 repeats a key"));
  assert(refusal(`{"MQTT_PASS":"${SECRET}"`).includes("not"));
  assert(refusal(`["${SECRET}"]`).includes("not an object"));
  assert(refusal(`"${SECRET}"`).includes("not an object"));
  assert(refusal("\n# nothing\n").includes("there are none"));
  assert(refusal(new Uint8Array([...utf8(SECRET), 0xFF])).includes("UTF-8"));
});
