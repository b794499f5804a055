import { assert, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { CREDENTIALS, credentialsSchema, parseConfig, secretsOf } from "../src/config.ts";
import { HandshakeError } from "../src/errors.ts";
import { CERTIFICATE, configOf, faultsOf, PRIVATE_KEY } from "./support/credentials.ts";

const permissions = "none";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

Deno.test({
  name: "a broker alone gives every default",
  permissions,
  fn() {
    const { config, unknownKeys } = parseConfig({ MQTT_BROKER: "mqtt.local" });
    assert(UUID.test(config.clientId));
    assertEquals({ ...config, clientId: "" }, {
      host: "mqtt.local",
      port: 1883,
      username: undefined,
      password: undefined,
      clientId: "",
      tls: null,
      transport: "tcp",
      wsPath: "/mqtt",
      version: "auto",
      keepalive: 20,
      logLevel: "INFO",
      maxResultChars: 45_000,
      policy: {
        readOnly: false,
        allowPublish: null,
        denyPublish: [],
        allowSubscribe: null,
        denySubscribe: [],
      },
    });
    assertEquals(unknownKeys, []);
  },
});

Deno.test({
  name: "every key has its effect",
  permissions,
  fn() {
    const given = {
      MQTT_BROKER: "10.0.0.1",
      MQTT_PORT: "9001",
      MQTT_USER: "user",
      MQTT_PASS: "pass",
      MQTT_CLIENT_ID: "me",
      MQTT_TLS: "TRUE",
      MQTT_CA: CERTIFICATE,
      MQTT_CERT: CERTIFICATE,
      MQTT_KEY: PRIVATE_KEY,
      MQTT_TRANSPORT: "WS",
      MQTT_WS_PATH: "/a?token=b",
      MQTT_VERSION: "3.1.1",
      MQTT_KEEPALIVE: "60",
      MQTT_READ_ONLY: "true",
      MQTT_ALLOW_PUBLISH: "a/#, b/+",
      MQTT_DENY_PUBLISH: "a/b",
      MQTT_ALLOW_SUBSCRIBE: "#",
      MQTT_DENY_SUBSCRIBE: " $SYS/# ,c",
      MQTT_MAX_RESULT_CHARS: "1000",
      LOG_LEVEL: "debug",
    };
    assertEquals(Object.keys(given).toSorted(), CREDENTIALS.map((c) => c.key).toSorted());
    assertEquals(parseConfig(given), {
      config: {
        host: "10.0.0.1",
        port: 9001,
        username: "user",
        password: "pass",
        clientId: "me",
        tls: { ca: CERTIFICATE, cert: CERTIFICATE, key: PRIVATE_KEY },
        transport: "ws",
        wsPath: "/a?token=b",
        version: "3.1.1",
        keepalive: 60,
        logLevel: "DEBUG",
        maxResultChars: 1_000,
        policy: {
          readOnly: true,
          allowPublish: ["a/#", "b/+"],
          denyPublish: ["a/b"],
          allowSubscribe: ["#"],
          denySubscribe: ["$SYS/#", "c"],
        },
      },
      unknownKeys: [],
    });
  },
});

Deno.test({
  name: "numbers and booleans do as well as strings",
  permissions,
  fn() {
    const config = configOf({
      MQTT_PORT: 8883,
      MQTT_USER: 7,
      MQTT_PASS: false,
      MQTT_TLS: true,
      MQTT_VERSION: 5,
      MQTT_READ_ONLY: false,
    });
    assertEquals(config.port, 8883);
    assertEquals(config.username, "7");
    assertEquals(config.password, "false");
    assertEquals(config.tls, { ca: undefined, cert: undefined, key: undefined });
    assertEquals(config.version, "5");
    assertEquals(config.policy.readOnly, false);
  },
});

const POLICY_KEYS = [
  "MQTT_READ_ONLY",
  "MQTT_ALLOW_PUBLISH",
  "MQTT_DENY_PUBLISH",
  "MQTT_ALLOW_SUBSCRIBE",
  "MQTT_DENY_SUBSCRIBE",
];

Deno.test({
  name: "an empty policy is a fault, since it would open what it was meant to close",
  permissions,
  fn() {
    for (const key of POLICY_KEYS) {
      for (const nothing of ["", null]) {
        const error = assertThrows(() => configOf({ [key]: nothing }), HandshakeError);
        assertStringIncludes(error.message, `${key}: must not be empty`);
      }
    }
  },
});

Deno.test({
  name: "an empty string or null counts as absent, but for the policy",
  permissions,
  fn() {
    for (const nothing of ["", null, undefined]) {
      const keys = CREDENTIALS.filter((credential) => !credential.required).map((c) => c.key)
        .filter((key) => !POLICY_KEYS.includes(key));
      const config = configOf(Object.fromEntries(keys.map((key) => [key, nothing])));
      assertEquals({ ...config, clientId: "" }, { ...configOf({}), clientId: "" });
    }
  },
});

Deno.test({
  name: "the port defaults by transport and TLS",
  permissions,
  fn() {
    assertEquals(configOf({}).port, 1883);
    assertEquals(configOf({ MQTT_TLS: true }).port, 8883);
    assertEquals(configOf({ MQTT_TRANSPORT: "ws" }).port, 80);
    assertEquals(configOf({ MQTT_TRANSPORT: "ws", MQTT_TLS: true }).port, 443);
  },
});

Deno.test({
  name: "a password needs a user name, but for MQTT 5",
  permissions,
  fn() {
    const fault = "MQTT_PASS: needs MQTT_USER, unless MQTT_VERSION is 5";
    assertEquals(faultsOf({ MQTT_PASS: "p" }), fault);
    assertEquals(faultsOf({ MQTT_PASS: "p", MQTT_VERSION: "3.1.1" }), fault);
    assertEquals(configOf({ MQTT_PASS: "p", MQTT_VERSION: "5" }).password, "p");
    // Which version was meant is not known, and one fault is enough.
    assertFalse(faultsOf({ MQTT_PASS: "p", MQTT_VERSION: "six" }).includes("MQTT_PASS"));
  },
});

Deno.test({
  name: "certificates and keys need TLS, and each other",
  permissions,
  fn() {
    const both = { MQTT_CERT: CERTIFICATE, MQTT_KEY: PRIVATE_KEY };
    const needsTls = "needs MQTT_TLS to be true";
    assertEquals(faultsOf({ MQTT_CA: CERTIFICATE }), `MQTT_CA: ${needsTls}`);
    assertEquals(faultsOf({ MQTT_CA: CERTIFICATE, MQTT_TLS: "false" }), `MQTT_CA: ${needsTls}`);
    assertEquals(faultsOf(both), `MQTT_CERT: ${needsTls}; MQTT_KEY: ${needsTls}`);
    const tls = { MQTT_TLS: true };
    assertEquals(faultsOf({ ...tls, MQTT_CERT: CERTIFICATE }), "MQTT_CERT: needs MQTT_KEY");
    assertEquals(faultsOf({ ...tls, MQTT_KEY: PRIVATE_KEY }), "MQTT_KEY: needs MQTT_CERT");
    assertEquals(configOf({ ...tls, ...both }).tls?.key, PRIVATE_KEY);
    assertEquals(faultsOf({ MQTT_TLS: "maybe", ...both }), "MQTT_TLS: must be true or false");
  },
});

Deno.test({
  name: "a missing broker comes first, with the other faults behind it",
  permissions,
  fn() {
    for (const missing of [{}, { MQTT_BROKER: "" }, { MQTT_BROKER: null }]) {
      const error = assertThrows(() => parseConfig(missing), HandshakeError);
      assertEquals(error.code, "MISSING_CREDENTIAL");
      assertEquals(error.message, "MISSING_CREDENTIAL MQTT_BROKER");
    }
    const error = assertThrows(() => parseConfig({ MQTT_PORT: 0, MQTT_PASS: "x" }), HandshakeError);
    assertEquals(
      error.message,
      "MISSING_CREDENTIAL MQTT_BROKER; MQTT_PORT: must be an integer from 1 to 65535; " +
        "MQTT_PASS: needs MQTT_USER, unless MQTT_VERSION is 5",
    );
  },
});

Deno.test({
  name: "all faults come at once",
  permissions,
  fn() {
    assertEquals(
      faultsOf({ MQTT_PORT: "x", MQTT_TLS: "y", LOG_LEVEL: "z" }),
      "MQTT_PORT: must be an integer from 1 to 65535; MQTT_TLS: must be true or false; " +
        "LOG_LEVEL: must be DEBUG, INFO, WARNING or ERROR",
    );
  },
});

Deno.test({
  name: "unknown keys are named, quoted, and at most twenty of them",
  permissions,
  fn() {
    const parsed: Record<string, unknown> = JSON.parse(
      '{"MQTT_BROKER":"h","__proto__":{"MQTT_PORT":"x"},"toString":1,"evil\\n+OK":"value"}',
    );
    const { config, unknownKeys } = parseConfig(parsed);
    assertEquals(config.port, 1883);
    assertEquals(unknownKeys, ["'__proto__'", "'toString'", "'evil\\u{0A}+OK'"]);
    const many = Object.fromEntries(Array.from({ length: 1_025 }, (_, i) => [`K${i}`, "value"]));
    const named = parseConfig({ MQTT_BROKER: "h", ...many }).unknownKeys;
    assertEquals(named.length, 21);
    assertEquals(named.slice(-2), ["'K19'", "1,005 more"]);
  },
});

Deno.test({
  name: "inherited properties are not credentials",
  permissions,
  fn() {
    const inherited = Object.create({ MQTT_BROKER: "h" });
    assertThrows(() => parseConfig(inherited), HandshakeError, "MISSING_CREDENTIAL");
  },
});

Deno.test({
  name: "a configuration is frozen throughout, and can be handed to a worker",
  permissions,
  fn() {
    const config = configOf({
      MQTT_TLS: true,
      MQTT_CA: CERTIFICATE,
      MQTT_ALLOW_PUBLISH: "a",
      MQTT_DENY_SUBSCRIBE: "b",
    });
    const parts = [config, config.tls, config.policy, ...Object.values(config.policy)];
    for (const part of parts) assert(Object.isFrozen(part));
    assertEquals(structuredClone(config), config);
  },
});

Deno.test({
  name: "two configurations do not share a client id",
  permissions,
  fn() {
    assert(configOf({}).clientId !== configOf({}).clientId);
  },
});

Deno.test({
  name: "what was given in confidence is secret, where the broker is and the default path are not",
  permissions,
  fn() {
    const config = configOf({
      MQTT_USER: "user",
      MQTT_PASS: "pass",
      MQTT_CLIENT_ID: "me",
      MQTT_TLS: true,
      MQTT_CA: CERTIFICATE,
      MQTT_CERT: CERTIFICATE,
      MQTT_KEY: PRIVATE_KEY,
      MQTT_WS_PATH: "/token",
    });
    const secrets = ["user", "pass", "me", CERTIFICATE, CERTIFICATE, PRIVATE_KEY, "/token"];
    assertEquals(secretsOf(config), secrets);
    const open = configOf({});
    assertEquals(secretsOf(open), [open.clientId]);
  },
});

Deno.test({
  name: "the schema describes every key with its default",
  permissions,
  fn() {
    const { required, optional } = credentialsSchema();
    assertEquals(required, { MQTT_BROKER: "Host name or IP address of the broker" });
    assertEquals(Object.keys(optional).length, CREDENTIALS.length - 1);
    assertEquals(optional.MQTT_KEEPALIVE?.endsWith("(default: 20)"), true);
    for (const { key, required, ...rest } of CREDENTIALS) {
      assertEquals(required, rest.default === undefined, key);
    }
  },
});
