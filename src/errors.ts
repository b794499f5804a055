/**
 * The error family. Every failure that reaches a parent or an agent is one of these, with a code
 * that stays the same from release to release and a message that never holds a credential's value.
 *
 * @module
 */

/** Why a connection to the broker failed or ended. */
export type ConnectCode =
  | "BROKER_REFUSED_CONNECTION"
  | "NETWORK_NOT_PERMITTED"
  | "HOST_NOT_FOUND"
  | "HOST_UNREACHABLE"
  | "CONNECT_TIMEOUT"
  | "CONNECTION_CLOSED"
  | "KEEPALIVE_TIMEOUT"
  | "TLS_UNTRUSTED"
  | "TLS_EXPIRED"
  | "TLS_WRONG_HOST"
  | "TLS_NOT_SPOKEN"
  | "TLS_REQUIRED"
  | "TLS_CLIENT_CERTIFICATE"
  | "TLS_FAILED"
  | "WEBSOCKET_REFUSED"
  | "PROTOCOL_NOT_SPOKEN"
  | "VERSION_NOT_SUPPORTED"
  | "BAD_CREDENTIALS"
  | "NOT_AUTHORIZED"
  | "CLIENT_ID_REJECTED"
  | "CLIENT_ID_TAKEN_OVER"
  | "BROKER_UNAVAILABLE"
  | "BROKER_DISCONNECTED";

/** Why a tool call failed although the connection may be sound. */
export type CallCode =
  | "INVALID_ARGUMENT"
  | "INVALID_TOPIC"
  | "NOT_CONNECTED"
  | "OUTCOME_UNKNOWN"
  | "REFUSED_BY_BROKER"
  | "BROKER_LIMIT"
  | "NOT_SUPPORTED"
  | "NO_SUBSCRIPTION"
  | "NO_ANSWER"
  | "POLICY"
  | "TIMEOUT"
  | "CANCELLED"
  | "BUSY"
  | "CLOSING"
  | "INTERNAL";

/** A failure with a stable code, and, where one helps, a hint how to recover. */
export class MqttSmcpError extends Error {
  override readonly name = "MqttSmcpError";
  /** Stable, machine-readable. */
  readonly code: ConnectCode | CallCode;
  /** What the caller can do about it; absent when nothing sensible can be said. */
  readonly hint: string | undefined;

  constructor(code: ConnectCode | CallCode, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** The `+ERR` reasons of the SMCP handshake. */
export type HandshakeCode =
  | "TIMEOUT"
  | "NO_INPUT"
  | "INVALID_JSON"
  | "INVALID_FORMAT"
  | "MISSING_CREDENTIAL"
  | "INVALID_CREDENTIAL"
  | "INTERNAL";

/** A handshake that ends in `+ERR <reason>`: keys and rules only, never a value. */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";
  /** First word of the reason. */
  readonly code: HandshakeCode;

  constructor(code: HandshakeCode, detail?: string) {
    super(detail === undefined ? code : `${code} ${detail}`);
    this.code = code;
  }
}
