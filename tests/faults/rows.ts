/**
 * The rows of this suite: what each one is about, when it passes, and which tests look at it.
 *
 * @module
 */

/** One row of the table in README.md. */
export interface Row {
  readonly number: number;
  readonly what: string;
  readonly passes: string;
  /** Files under tests/. */
  readonly files: readonly string[];
}

/** All rows but the soak, which has a suite of its own. */
export const ROWS: readonly Row[] = [
  {
    number: 1,
    what:
      "mutated JSON-RPC, calls before initialize, duplicate ids, batches, names like `__proto__`",
    passes: "each valid id answered once, stdout all JSON-RPC, a ping answered after",
    files: ["faults/rpc_fuzz_test.ts", "e2e/bad_requests_test.ts"],
  },
  {
    number: 2,
    what: "lines of 1, 9.9, 11 and 64 MiB, and one without an end",
    passes: "a clear error, never deaf; memory bounded",
    files: ["faults/long_lines_test.ts"],
  },
  {
    number: 3,
    what: "end of stdin, SIGTERM, SIGINT: idle, connecting, with 100 publishes in flight",
    passes: "exit in 100 ms (median; one exit at most 1 s), DISCONNECT seen, no will to fire",
    files: ["faults/leaving_test.ts", "e2e/lifecycle_test.ts"],
  },
  {
    number: 4,
    what: "stdout closed; the parent killed",
    passes:
      "gone in 1 s, no orphan; without stdout: 1 s from the first answer that cannot be given",
    files: ["faults/orphans_test.ts", "e2e/lifecycle_test.ts"],
  },
  {
    number: 5,
    what: "stderr never read through 10 MB of log; stdout read at 1 KB/s under 1,000 messages/s",
    passes: "still answering, MQTT alive over three keep alives, memory bounded, drops counted",
    files: ["faults/slow_parent_test.ts"],
  },
  {
    number: 6,
    what: "broker killed with 100 publishes in flight, 50 times scripted, 50 times Mosquitto",
    passes: "each acknowledged or unknown; none falsely successful, none sent later",
    files: ["faults/broker_kill_test.ts"],
  },
  {
    number: 7,
    what: "1,000 restarts on a simulated clock; a broker that accepts and drops",
    passes: "waits from 1 to 60 s with jitter, no storm, subscriptions restored, gaps reported",
    files: ["faults/restarts_test.ts"],
  },
  {
    number: 8,
    what: "a half-open connection",
    passes: "noticed within 1.5 keep alives and 1 s",
    files: ["faults/half_open_test.ts"],
  },
  {
    number: 9,
    what: "TLS: untrusted, expired, wrong host; TLS to a plain port and the other way round",
    passes:
      "the cause named within 2 s, where the runtime tells it (2.7.11, the base of the test " +
      "binary, keeps some to itself); no CONNECT sent",
    files: ["faults/tls_causes_test.ts", "e2e/transports_test.ts"],
  },
  {
    number: 10,
    what: "wrong password, client-id takeover loop, refused re-subscribe (0x80, 0x87)",
    passes: "named; no storm",
    files: ["faults/refusals_test.ts", "faults/restarts_test.ts", "e2e/reconnect_test.ts"],
  },
  {
    number: 11,
    what: "a hostile broker: garbage, 10,000 broken packets, no CONNACK, narrow limits in CONNACK",
    passes: "a named error within the connect timeout; no crash; no limit broken",
    files: ["faults/packet_fuzz_test.ts", "faults/hostile_broker_test.ts"],
  },
  {
    number: 12,
    what: "100,000 stored values at QoS 0 and 1; payloads up to 17 MiB; 1,000 subscriptions",
    passes: "complete or marked incomplete; byte-exact; memory bounded",
    files: ["faults/scale_test.ts", "faults/stored_values_test.ts"],
  },
  {
    number: 14,
    what: "hostile environment and strace",
    passes: "what SECURITY.md says; no file written; sockets only to the broker",
    files: [
      "faults/environment_test.ts",
      "e2e/environment_test.ts",
      "e2e/permissions_test.ts",
      "e2e/canary_test.ts",
    ],
  },
];
