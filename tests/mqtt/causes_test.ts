import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Evidence, explain } from "../../src/mqtt/causes.ts";
import { fromReturnCode, reasonName } from "../../src/mqtt/reason_codes.ts";

const permissions = "none";

const NOTHING: Evidence = { transportUp: false, connected: false, tls: false, transport: "tcp" };

function codeOf(evidence: Partial<Evidence>): string {
  return explain({ ...NOTHING, ...evidence }).code;
}

function errorWith(code: string, message = "failed"): Error {
  return Object.assign(new Error(message), { code });
}

Deno.test({
  name: "each refusal in CONNACK is told apart",
  permissions,
  fn() {
    const expected = {
      0x84: "VERSION_NOT_SUPPORTED",
      0x85: "CLIENT_ID_REJECTED",
      0x86: "BAD_CREDENTIALS",
      0x87: "NOT_AUTHORIZED",
      0x8a: "NOT_AUTHORIZED",
      0x88: "BROKER_UNAVAILABLE",
      0x97: "BROKER_UNAVAILABLE",
      0xff: "BROKER_UNAVAILABLE",
    };
    for (const [code, wanted] of Object.entries(expected)) {
      // The library raises an error of its own as well; the packet tells more.
      const error = errorWith("135", "Connection refused: Not authorized");
      assertEquals(codeOf({ connackCode: Number(code), transportUp: true, error }), wanted);
    }
    assertMatch(explain({ ...NOTHING, connackCode: 0x97 }).message, /quota exceeded \(0x97\)/);
    assertMatch(explain({ ...NOTHING, connackCode: 0xff }).message, /reason code 0xFF/);
  },
});

Deno.test({
  name: "the return codes of MQTT 3.1.1 mean what their MQTT 5 counterparts mean",
  permissions,
  fn() {
    assertEquals([1, 2, 3, 4, 5, 6, 99].map(fromReturnCode), [
      0x84,
      0x85,
      0x88,
      0x86,
      0x87,
      0x80,
      0x80,
    ]);
    assertEquals(reasonName(0x8e), "session taken over (0x8E)");
    assertEquals(reasonName(0x05), "reason code 0x05");
  },
});

Deno.test({
  name: "a DISCONNECT names the take-over of the client id, and other reasons by name",
  permissions,
  fn() {
    const connected = { transportUp: true, connected: true };
    assertEquals(codeOf({ ...connected, disconnectCode: 0x8e }), "CLIENT_ID_TAKEN_OVER");
    assertEquals(codeOf({ ...connected, disconnectCode: 0x87 }), "BROKER_DISCONNECTED");
    const over = explain({ ...NOTHING, ...connected, disconnectCode: 0x8b });
    assertEquals(over.code, "BROKER_DISCONNECTED");
    assertMatch(over.message, /server shutting down/);
  },
});

Deno.test({
  name: "each failure of the socket is told apart",
  permissions,
  fn() {
    const expected = {
      ECONNREFUSED: "BROKER_REFUSED_CONNECTION",
      ENOTFOUND: "HOST_NOT_FOUND",
      EAI_AGAIN: "HOST_NOT_FOUND",
      EHOSTUNREACH: "HOST_UNREACHABLE",
      ENETUNREACH: "HOST_UNREACHABLE",
      ETIMEDOUT: "CONNECT_TIMEOUT",
    };
    for (const [code, wanted] of Object.entries(expected)) {
      assertEquals(codeOf({ error: errorWith(code) }), wanted, code);
    }
  },
});

Deno.test({
  name: "each failure of the TLS handshake is told apart",
  permissions,
  fn() {
    const expected = {
      CERT_HAS_EXPIRED: "TLS_EXPIRED",
      CERT_NOT_YET_VALID: "TLS_EXPIRED",
      ERR_TLS_CERT_ALTNAME_INVALID: "TLS_WRONG_HOST",
      SELF_SIGNED_CERT_IN_CHAIN: "TLS_UNTRUSTED",
      DEPTH_ZERO_SELF_SIGNED_CERT: "TLS_UNTRUSTED",
      UNABLE_TO_VERIFY_LEAF_SIGNATURE: "TLS_UNTRUSTED",
      UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "TLS_UNTRUSTED",
      ERR_SSL_WRONG_VERSION_NUMBER: "TLS_NOT_SPOKEN",
      ERR_SSL_SOMETHING_ELSE: "TLS_FAILED",
    };
    for (const [code, wanted] of Object.entries(expected)) {
      assertEquals(codeOf({ error: errorWith(code), tls: true }), wanted, code);
    }
    const texts = {
      "invalid peer certificate: Expired": "TLS_EXPIRED",
      "invalid peer certificate: certificate has expired": "TLS_EXPIRED",
      "invalid peer certificate: NotValidForName": "TLS_WRONG_HOST",
      "invalid peer certificate: UnknownIssuer": "TLS_UNTRUSTED",
      "received corrupt message of type InvalidContentType": "TLS_NOT_SPOKEN",
      "received fatal alert: CertificateRequired": "TLS_CLIENT_CERTIFICATE",
      "received fatal alert: UnknownCA": "TLS_CLIENT_CERTIFICATE",
      "received fatal alert: HandshakeFailure": "TLS_CLIENT_CERTIFICATE",
    };
    for (const [text, wanted] of Object.entries(texts)) {
      assertEquals(codeOf({ error: new Error(text), tls: true }), wanted, text);
    }
  },
});

Deno.test({
  name: "what answers in another protocol is named",
  permissions,
  fn() {
    const alert = Uint8Array.of(0x15, 0x03, 0x01, 0, 2, 2, 70);
    assertEquals(codeOf({ firstBytes: alert, transportUp: true }), "TLS_REQUIRED");
    const http = new TextEncoder().encode("HTTP/1.1");
    const answer = explain({ ...NOTHING, firstBytes: http, error: new Error("Invalid packet") });
    assertEquals(answer.code, "PROTOCOL_NOT_SPOKEN");
    assertMatch(answer.message, /HTTP server/);
    const error = new Error("Invalid header flag bits, must be 0x0 for connack packet");
    assertEquals(codeOf({ error, transportUp: true }), "PROTOCOL_NOT_SPOKEN");
    const refused = new Error("Unexpected server response: 404");
    assertEquals(codeOf({ error: refused, transport: "ws" }), "WEBSOCKET_REFUSED");
  },
});

Deno.test({
  name: "a timeout says whether the port took the connection",
  permissions,
  fn() {
    const error = new Error("connack timeout");
    assertMatch(explain({ ...NOTHING, error, transportUp: true }).message, /port accepted/);
    assertMatch(explain({ ...NOTHING, error }).message, /did not answer in time/);
    assertEquals(
      codeOf({ error: new Error("Keepalive timeout"), connected: true, transportUp: true }),
      "KEEPALIVE_TIMEOUT",
    );
  },
});

Deno.test({
  name: "a mere close is told by when it came",
  permissions,
  fn() {
    const standing = explain({ ...NOTHING, transportUp: true, connected: true });
    const unanswered = explain({ ...NOTHING, transportUp: true });
    const inHandshake = explain({ ...NOTHING, tls: true });
    assertEquals(
      [standing.code, unanswered.code, inHandshake.code],
      ["CONNECTION_CLOSED", "CONNECTION_CLOSED", "TLS_FAILED"],
    );
    assert(standing.message !== unanswered.message);
    const reset = errorWith("ECONNRESET", "read ECONNRESET");
    assertEquals(codeOf({ error: reset, transportUp: true, connected: true }), "CONNECTION_CLOSED");
    const garbage = new Error("Invalid packet");
    assertEquals(
      codeOf({ error: garbage, transportUp: true, connected: true }),
      "BROKER_DISCONNECTED",
    );
  },
});

Deno.test({
  name: "no explanation repeats the words of the other side",
  permissions,
  fn() {
    const words = "SECRET-WORDS";
    const causes = [
      explain({ ...NOTHING, error: new Error(words) }),
      explain({ ...NOTHING, error: errorWith("ECONNREFUSED", words) }),
      explain({ ...NOTHING, error: errorWith(words, words), tls: true }),
      explain({ ...NOTHING, error: new Error(`Unexpected server response: 401 ${words}`) }),
      explain({ ...NOTHING, error: new Error(words), connected: true }),
      explain({ ...NOTHING, firstBytes: new TextEncoder().encode(words), transportUp: true }),
      explain({ ...NOTHING, error: { message: words } }),
    ];
    for (const { message, hint } of causes) assert(!`${message}${hint}`.includes(words), message);
  },
});
