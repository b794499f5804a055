import { assert, assertEquals } from "@std/assert";
import { type ConnectCode, MqttSmcpError } from "../../src/errors.ts";
import { Backoff, failsFast, nudgeAfterMs } from "../../src/mqtt/backoff.ts";
import { Random } from "../support/random.ts";

const permissions = "none";
const failure = (code: ConnectCode): MqttSmcpError => new MqttSmcpError(code, "test");
const REFUSED = failure("BROKER_REFUSED_CONNECTION");
const middle = (): number => 0.5;

Deno.test({
  name: "waits double from 1 s to 60 s and stay there",
  permissions,
  fn() {
    const backoff = new Backoff(middle);
    const waits = Array.from({ length: 10 }, () => backoff.afterFailure(REFUSED) / 1_000);
    assertEquals(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    for (let i = 0; i < 5_000; i++) assertEquals(backoff.afterFailure(REFUSED), 60_000);
  },
});

Deno.test({
  name: "every wait is within 20 percent of its base, and uses that span",
  permissions,
  fn() {
    assertEquals(new Backoff(() => 0).afterFailure(REFUSED), 800);
    assertEquals(new Backoff(() => 1).afterFailure(REFUSED), 1_200);
    const random = new Random(7);
    const waits = Array.from(
      { length: 500 },
      () => new Backoff(() => random.next()).afterFailure(REFUSED),
    );
    assert(Math.min(...waits) >= 800 && Math.min(...waits) < 850);
    assert(Math.max(...waits) <= 1_200 && Math.max(...waits) > 1_150);
  },
});

Deno.test({
  name: "a broker that says no is asked again after a minute only",
  permissions,
  fn() {
    for (
      const code of [
        "BAD_CREDENTIALS",
        "NOT_AUTHORIZED",
        "CLIENT_ID_REJECTED",
        "VERSION_NOT_SUPPORTED",
      ] as const
    ) {
      assertEquals(new Backoff(middle).afterFailure(failure(code)), 60_000, code);
      assert(failsFast(failure(code)), code);
      assertEquals(nudgeAfterMs(failure(code)), 10_000, code);
    }
  },
});

Deno.test({
  name: "after a connection that lived 10 s waits begin from 1 s again, after a shorter one not",
  permissions,
  fn() {
    const backoff = new Backoff(middle);
    for (let i = 0; i < 4; i++) backoff.afterFailure(REFUSED);
    const closed = failure("CONNECTION_CLOSED");
    assertEquals(backoff.afterLoss(closed, 9_999), 16_000);
    assertEquals(backoff.afterLoss(closed, 10_000), 1_000);
    assertEquals(backoff.afterLoss(closed, 500), 2_000);
  },
});

Deno.test({
  name: "two clients with one id do not throw each other out every second for ever",
  permissions,
  fn() {
    const backoff = new Backoff(middle);
    const takenOver = failure("CLIENT_ID_TAKEN_OVER");
    const waits = [1, 2, 3, 4].map(() => backoff.afterLoss(takenOver, 30_000));
    assertEquals(waits, [1_000, 2_000, 4_000, 8_000]);
    assertEquals(backoff.afterLoss(takenOver, 300_000), 1_000);
  },
});

Deno.test({
  name: "a call waits out a broker that may come back, and no cause that only an operator can cure",
  permissions,
  fn() {
    const waited: ConnectCode[] = [
      "BROKER_REFUSED_CONNECTION",
      "HOST_UNREACHABLE",
      "CONNECT_TIMEOUT",
      "CONNECTION_CLOSED",
      "KEEPALIVE_TIMEOUT",
      "CLIENT_ID_TAKEN_OVER",
      "BROKER_UNAVAILABLE",
      "BROKER_DISCONNECTED",
    ];
    const fast: ConnectCode[] = [
      "HOST_NOT_FOUND",
      "TLS_UNTRUSTED",
      "TLS_EXPIRED",
      "TLS_WRONG_HOST",
      "TLS_NOT_SPOKEN",
      "TLS_REQUIRED",
      "TLS_CLIENT_CERTIFICATE",
      "TLS_FAILED",
      "WEBSOCKET_REFUSED",
      "PROTOCOL_NOT_SPOKEN",
    ];
    for (const code of waited) assertEquals(failsFast(failure(code)), false, code);
    for (const code of fast) assertEquals(failsFast(failure(code)), true, code);
    for (const code of [...waited, ...fast]) {
      assertEquals(nudgeAfterMs(failure(code)), 1_000, code);
    }
  },
});
