import { assert, assertEquals, assertFalse } from "@std/assert";
import { CREDENTIALS, parseConfig } from "../src/config.ts";
import { HandshakeError } from "../src/errors.ts";
import {
  assertFault,
  CERTIFICATE,
  configOf,
  faultsOf,
  HOST_RULE,
  PRIVATE_KEY,
} from "./support/credentials.ts";

const permissions = "none";

Deno.test({
  name: "a broker is a host name or an address, IPv6 with or without brackets",
  permissions,
  fn() {
    const hosts = [
      "localhost",
      "mqtt.local.",
      "my_broker-1",
      "127.0.0.1",
      "::1",
      "b".repeat(63),
    ];
    for (const host of hosts) assertEquals(configOf({ MQTT_BROKER: host }).host, host);
    assertEquals(configOf({ MQTT_BROKER: "[::1]" }).host, "::1");
    assertEquals(configOf({ MQTT_BROKER: "[fe80::1:2]" }).host, "fe80::1:2");
    assertEquals(configOf({ MQTT_BROKER: "::ffff:127.0.0.1" }).host, "::ffff:127.0.0.1");
  },
});

Deno.test({
  name: "a broker that is a URL or has a port is refused with a hint",
  permissions,
  fn() {
    assertFault(
      "MQTT_BROKER",
      ["mqtt://h:1883", "wss://user:pw@h/x", "mqtts://[::1]"],
      `${HOST_RULE}, not a URL: give the port as MQTT_PORT, TLS as MQTT_TLS`,
    );
    assertFault(
      "MQTT_BROKER",
      ["h:1883", "10.0.0.1:1883", "[::1]:1883", "h:"],
      `${HOST_RULE} without a port: give the port as MQTT_PORT`,
    );
  },
});

Deno.test({
  name: "a broker that is no host is refused",
  permissions,
  fn() {
    assertFault(
      "MQTT_BROKER",
      [
        " ",
        "a b",
        "h\n",
        "a/b",
        "u@h",
        "a..b",
        "-h",
        ".",
        "[]",
        "[h]",
        "::g",
        "1:2:3",
        "fe80::1%eth0",
        "h\0",
        "hü",
        "*",
        "x".repeat(64),
        `${"x.".repeat(127)}x`,
        "h?x",
        "h#",
      ],
      HOST_RULE,
    );
  },
});

Deno.test({
  name: "integers are decimal digits within their range",
  permissions,
  fn() {
    const bad = [
      "0",
      "-1",
      "1.5",
      "0x10",
      "1e3",
      " 1",
      "1 ",
      "+1",
      "abc",
      true,
      1e21,
      NaN,
      "65536",
      65536,
    ];
    assertFault("MQTT_PORT", bad, "must be an integer from 1 to 65535");
    assertFault("MQTT_KEEPALIVE", bad, "must be an integer from 1 to 65535");
    assertFault(
      "MQTT_MAX_RESULT_CHARS",
      ["999", "10000001", "45,000"],
      "must be an integer from 1000 to 10000000",
    );
    assertEquals(configOf({ MQTT_PORT: "1", MQTT_KEEPALIVE: "65535" }).keepalive, 65_535);
  },
});

Deno.test({
  name: "booleans are true or false",
  permissions,
  fn() {
    for (const key of ["MQTT_TLS", "MQTT_READ_ONLY"]) {
      assertFault(key, ["yes", "1", 0, " true", "on"], "must be true or false");
    }
  },
});

Deno.test({
  name: "words are one of their choices",
  permissions,
  fn() {
    assertFault("MQTT_TRANSPORT", ["mqtts", "websocket", 1], "must be tcp or ws");
    assertFault("MQTT_VERSION", ["4", "3.1", "v5"], "must be auto, 5 or 3.1.1");
    assertFault("LOG_LEVEL", ["WARN", "trace"], "must be DEBUG, INFO, WARNING or ERROR");
  },
});

Deno.test({
  name: "a name that MQTT cannot carry is refused",
  permissions,
  fn() {
    for (const key of ["MQTT_USER", "MQTT_CLIENT_ID"]) {
      assertFault(key, ["a\0"], "must not contain the NUL character");
      assertFault(key, ["a\uD800"], "must not contain an unpaired surrogate");
      assertFault(key, ["☃".repeat(21_846)], "must be at most 65,535 bytes of UTF-8");
    }
    assertEquals(
      faultsOf({ MQTT_USER: "u", MQTT_PASS: "p\0" }),
      "MQTT_PASS: must not contain the NUL character",
    );
    assertEquals(configOf({ MQTT_USER: "☃".repeat(21_845) }).username?.length, 21_845);
  },
});

Deno.test({
  name: "PEM text may have its newlines as backslash and n",
  permissions,
  fn() {
    for (const newline of ["\\n", "\\r\\n"]) {
      const flat = CERTIFICATE.replaceAll("\n", newline);
      assertEquals(configOf({ MQTT_TLS: true, MQTT_CA: flat }).tls?.ca, CERTIFICATE);
    }
    const crlf = CERTIFICATE.replaceAll("\n", "\r\n");
    assertEquals(configOf({ MQTT_TLS: true, MQTT_CA: crlf }).tls?.ca, crlf);
    const chain = `subject=x\n${CERTIFICATE}${CERTIFICATE}`;
    assertEquals(configOf({ MQTT_TLS: true, MQTT_CA: chain }).tls?.ca, chain);
  },
});

Deno.test({
  name: "PEM text must have a block of its kind",
  permissions,
  fn() {
    const rule = (label: string) =>
      `must be PEM text with a ${label} block, its lines separated by newlines or by \\n`;
    const tls = { MQTT_TLS: true };
    const notPem = [
      "/etc/ca.pem",
      "MIIB",
      true,
      PRIVATE_KEY,
      CERTIFICATE.replaceAll("\n", " "),
      "-----BEGIN ",
    ];
    for (const value of notPem) {
      assertEquals(faultsOf({ ...tls, MQTT_CA: value }), `MQTT_CA: ${rule("CERTIFICATE")}`);
    }
    assertEquals(
      faultsOf({ ...tls, MQTT_CERT: PRIVATE_KEY, MQTT_KEY: CERTIFICATE }),
      `MQTT_CERT: ${rule("CERTIFICATE")}; MQTT_KEY: ${rule("PRIVATE KEY")}`,
    );
  },
});

Deno.test({
  name: "an encrypted private key is refused, since nothing could open it",
  permissions,
  fn() {
    const pkcs8 = PRIVATE_KEY.replaceAll("EC PRIVATE", "ENCRYPTED PRIVATE");
    const legacy = PRIVATE_KEY.replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n");
    for (const key of [pkcs8, legacy]) {
      assertEquals(
        faultsOf({ MQTT_TLS: true, MQTT_CERT: CERTIFICATE, MQTT_KEY: key }),
        "MQTT_KEY: must not be encrypted: there is no passphrase to open it with",
      );
    }
  },
});

Deno.test({
  name: "a WebSocket path is a visible ASCII path",
  permissions,
  fn() {
    assertEquals(configOf({ MQTT_WS_PATH: "/" }).wsPath, "/");
    assertFault(
      "MQTT_WS_PATH",
      ["mqtt", "/a b", "/a#b", "/ü", "/a\r\nHost: x", "ws://h/"],
      "must start with / and hold only visible ASCII characters without #",
    );
  },
});

Deno.test({
  name: "a policy filter is named by its number, not by its text",
  permissions,
  fn() {
    const keys = [
      "MQTT_ALLOW_PUBLISH",
      "MQTT_DENY_PUBLISH",
      "MQTT_ALLOW_SUBSCRIBE",
      "MQTT_DENY_SUBSCRIBE",
    ];
    for (const key of keys) {
      assertFault(
        key,
        ["a, canary#", "#,#/canary"],
        "filter 2 is not a valid topic filter: '#' must be the last level and stand alone in it",
      );
      assertFault(
        key,
        [",a", " "],
        "filter 1 is not a valid topic filter: a topic filter must not be empty",
      );
      assertFault(
        key,
        ["a,b,$share/g/x"],
        "filter 3 is not a valid topic filter: give the filter without $share/group/",
      );
    }
  },
});

Deno.test({
  name: "objects and arrays are no values",
  permissions,
  fn() {
    for (const { key } of CREDENTIALS) {
      for (const value of [{}, ["a"], { toString: "x" }]) {
        const faults = faultsOf({ [key]: value });
        assert(faults.includes(`${key}: must be a string, number or boolean`), faults);
      }
    }
  },
});

Deno.test({
  name: "no value is ever in a message",
  permissions,
  fn() {
    const canaries = ["canary\0", "canary\uD800", "http://canary", "#canary", { canary: "canary" }];
    for (const { key } of CREDENTIALS) {
      for (const canary of canaries) {
        for (const others of [{}, { MQTT_TLS: true }, { MQTT_USER: "canary" }]) {
          try {
            parseConfig({ MQTT_BROKER: "h", MQTT_PASS: "canary", ...others, [key]: canary });
          } catch (error) {
            assert(error instanceof HandshakeError);
            assertFalse(error.message.includes("canary"), error.message);
            assertFalse(String(error.stack).includes("canary"), String(error.stack));
          }
        }
      }
    }
  },
});
