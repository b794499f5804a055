/**
 * From what the library and the socket tell to one named cause. The texts name keys of the
 * credentials, never their values, and never the words of the broker.
 *
 * @module
 */

import { type ConnectCode, MqttSmcpError } from "../errors.ts";
import { reasonName } from "./reason_codes.ts";

/** The message of the error by which a connection ends that holds too much. */
export const TOO_MANY_UNRELEASED = "too many unreleased QoS 2 messages";

/** What was seen of a connection that failed or ended. */
export interface Evidence {
  /** The first error that the socket or the library raised. */
  readonly error?: unknown;
  /** The refusal in CONNACK, as an MQTT 5 reason code. */
  readonly connackCode?: number;
  /** The same as MQTT 3.1.1 numbers it, when it came so. */
  readonly returnCode?: number;
  /** The reason code of a DISCONNECT that the broker sent. */
  readonly disconnectCode?: number;
  /** The first bytes that came from the other side. */
  readonly firstBytes?: Uint8Array;
  /** True once the transport stood and CONNECT could be sent; not known of a WebSocket. */
  readonly transportUp: boolean;
  /** True once CONNACK had accepted the connection. */
  readonly connected: boolean;
  readonly tls: boolean;
  readonly transport: "tcp" | "ws";
}

/** The cause, in words for an agent and its operator. */
export function explain(evidence: Evidence): MqttSmcpError {
  if (evidence.connackCode !== undefined) {
    return explainConnack(evidence.connackCode, evidence.returnCode);
  }
  if (evidence.disconnectCode !== undefined) return explainDisconnect(evidence.disconnectCode);
  return explainForeignBytes(evidence) ?? explainError(evidence) ?? explainClose(evidence);
}

function cause(code: ConnectCode, message: string, hint?: string): MqttSmcpError {
  return new MqttSmcpError(code, message, hint);
}

function explainConnack(code: number, returnCode: number | undefined): MqttSmcpError {
  const name = reasonName(code, returnCode);
  switch (code) {
    case 0x86:
      return cause(
        "BAD_CREDENTIALS",
        "the broker refused the user name or password",
        "Ask the operator to check MQTT_USER and MQTT_PASS.",
      );
    case 0x87:
    case 0x8a:
      return cause(
        "NOT_AUTHORIZED",
        `the broker does not let this client in: ${name}`,
        "Ask the operator to check MQTT_USER, MQTT_PASS and the broker's access rules.",
      );
    case 0x85:
      return cause("CLIENT_ID_REJECTED", "the broker refused the client id (MQTT_CLIENT_ID)");
    case 0x84:
      return cause(
        "VERSION_NOT_SUPPORTED",
        "the broker does not speak this MQTT version",
        "Ask the operator to set MQTT_VERSION to auto.",
      );
    default:
      return cause("BROKER_UNAVAILABLE", `the broker refused the connection: ${name}`);
  }
}

function explainDisconnect(code: number): MqttSmcpError {
  if (code === 0x8e) {
    return cause(
      "CLIENT_ID_TAKEN_OVER",
      "another client connected with the same client id and took the session over",
      "Ask the operator to give each client its own MQTT_CLIENT_ID.",
    );
  }
  return cause("BROKER_DISCONNECTED", `the broker ended the connection: ${reasonName(code)}`);
}

function explainForeignBytes(evidence: Evidence): MqttSmcpError | undefined {
  const first = evidence.firstBytes;
  if (first === undefined || evidence.connected || mayBeginSession(first)) return undefined;
  // A TLS alert record: the port answered our plain CONNECT in TLS.
  if (!evidence.tls && first[0] === 0x15 && first[1] === 0x03) {
    return cause(
      "TLS_REQUIRED",
      "the port speaks TLS, and MQTT_TLS is not set",
      "Ask the operator to set MQTT_TLS to true, or to give the port without TLS.",
    );
  }
  if (evidence.transport === "tcp" && new TextDecoder().decode(first.subarray(0, 5)) === "HTTP/") {
    return cause(
      "PROTOCOL_NOT_SPOKEN",
      "an HTTP server answers on that port, not an MQTT broker",
      "Ask the operator to check MQTT_PORT, or to set MQTT_TRANSPORT to ws.",
    );
  }
  return notSpoken(evidence);
}

/** Whether a broker may begin with these bytes: CONNACK, AUTH, or DISCONNECT (MQTT-3.2.0-1). */
export function mayBeginSession(first: Uint8Array): boolean {
  const packetType = (first[0] ?? 0) >> 4;
  return packetType === 2 || packetType === 14 || packetType === 15;
}

function notSpoken({ transport }: Evidence): MqttSmcpError {
  return cause(
    "PROTOCOL_NOT_SPOKEN",
    "what answers on that port does not speak " +
      (transport === "ws" ? "MQTT over WebSocket" : "MQTT"),
    "Ask the operator to check MQTT_PORT and MQTT_TRANSPORT.",
  );
}

function explainError(evidence: Evidence): MqttSmcpError | undefined {
  const { error } = evidence;
  if (!(error instanceof Error)) return undefined;
  if (error.name === "NotCapable") {
    return cause(
      "NETWORK_NOT_PERMITTED",
      "this process has no permission to connect to the broker's host and port",
      "Ask the operator to start it with --allow-net for MQTT_BROKER and MQTT_PORT.",
    );
  }
  const code = String((error as { code?: unknown }).code ?? "");
  return bySocketCode(code) ?? byTls(code, error.message) ?? byMessage(error.message, evidence);
}

function bySocketCode(code: string): MqttSmcpError | undefined {
  switch (code) {
    case "ECONNREFUSED":
      return cause(
        "BROKER_REFUSED_CONNECTION",
        "the host refused the connection: nothing listens on that port",
        "The broker may be down, or MQTT_PORT may be wrong.",
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_NODATA":
      return cause("HOST_NOT_FOUND", "the host name in MQTT_BROKER was not found");
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return cause("HOST_UNREACHABLE", "there is no route to the broker's host");
    case "ETIMEDOUT":
      return cause("CONNECT_TIMEOUT", "the broker's host did not answer in time");
    default:
      return undefined;
  }
}

function byTls(code: string, message: string): MqttSmcpError | undefined {
  const text = `${code} ${message}`;
  if (
    /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate has expired|\bExpired\b|NotValidYet/i.test(
      text,
    )
  ) {
    return expiredCertificate();
  }
  if (/ALTNAME_INVALID|NotValidForName|not valid for name|does not match certificate/i.test(text)) {
    return cause(
      "TLS_WRONG_HOST",
      "the broker's certificate is for another host",
      "Ask the operator to give MQTT_BROKER the host name that the certificate is for.",
    );
  }
  if (/WRONG_VERSION_NUMBER|InvalidContentType|wrong version number/i.test(text)) {
    return cause(
      "TLS_NOT_SPOKEN",
      "the port does not speak TLS, and MQTT_TLS is set",
      "Ask the operator to set MQTT_TLS to false, or to give the broker's TLS port.",
    );
  }
  if (
    /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|UnknownIssuer|CERT_UNTRUSTED|unknown issuer|CaUsedAsEndEntity/i
      .test(text)
  ) {
    return cause(
      "TLS_UNTRUSTED",
      "the broker's certificate is not signed by an authority that is trusted here",
      "Ask the operator to give the broker's CA certificate as MQTT_CA.",
    );
  }
  if (
    /CertificateRequired|certificate required|HandshakeFailure|BadCertificate|UnknownCA|ALERT_BAD_CERT|DecryptError/i
      .test(text)
  ) {
    return cause(
      "TLS_CLIENT_CERTIFICATE",
      "the broker refused the TLS handshake; it may want another client certificate",
      "Ask the operator to check MQTT_CERT and MQTT_KEY.",
    );
  }
  if (/^ERR_SSL|^ERR_TLS|CERT|TLS|InvalidCertificate|InvalidData/i.test(text)) {
    return cause("TLS_FAILED", "the TLS handshake failed");
  }
  return undefined;
}

function byMessage(message: string, evidence: Evidence): MqttSmcpError | undefined {
  const refused = /^Unexpected server response: (\d{3})/.exec(message);
  if (refused !== null) {
    return cause(
      "WEBSOCKET_REFUSED",
      `the server refused the WebSocket upgrade with HTTP status ${refused[1]}`,
      "Ask the operator to check MQTT_WS_PATH and MQTT_PORT.",
    );
  }
  if (message === TOO_MANY_UNRELEASED) {
    return cause("BROKER_DISCONNECTED", "the broker sent more QoS 2 messages than it released");
  }
  if (/^Keepalive timeout/.test(message)) {
    return cause("KEEPALIVE_TIMEOUT", "the broker stopped answering (keep alive timeout)");
  }
  if (/^connack timeout/.test(message)) {
    if (evidence.transportUp) {
      const message = "the port accepted the connection, but no MQTT broker answered";
      return cause("CONNECT_TIMEOUT", message);
    }
    return evidence.transport === "ws"
      ? cause("CONNECT_TIMEOUT", "no MQTT broker answered over WebSocket in time")
      : cause("CONNECT_TIMEOUT", "the broker's host did not answer in time");
  }
  if (evidence.connected) {
    if (/ECONNRESET|EPIPE/.test(String((evidence.error as { code?: unknown }).code))) {
      return undefined;
    }
    return cause("BROKER_DISCONNECTED", "the broker sent something that is not valid MQTT");
  }
  if (
    /header flag|packet|protocol|Parse Error|Expected HTTP|WebSocket|sub protocol/i.test(message)
  ) {
    return notSpoken(evidence);
  }
  return undefined;
}

/** The cause to suspect when a broker keeps closing connections that it has just accepted. */
export function suspectTakeover(): MqttSmcpError {
  return cause(
    "CONNECTION_CLOSED",
    "the broker keeps closing the connection soon after accepting it: it restarts, or another client " +
      "uses the same client id and takes the session over",
    "If the broker did not restart: each client needs a client id of its own, MQTT_CLIENT_ID.",
  );
}

/** The cause for a certificate that turned out to be out of its time. */
export function expiredCertificate(): MqttSmcpError {
  return cause("TLS_EXPIRED", "the broker's certificate is expired or not valid yet");
}

function explainClose(evidence: Evidence): MqttSmcpError {
  if (evidence.connected) {
    return cause(
      "CONNECTION_CLOSED",
      "the connection was closed",
      "If this repeats, another client may use the same MQTT_CLIENT_ID.",
    );
  }
  if (evidence.tls && !evidence.transportUp && evidence.transport === "tcp") {
    return cause("TLS_FAILED", "the connection was closed during the TLS handshake");
  }
  return cause(
    "CONNECTION_CLOSED",
    evidence.transport === "ws"
      ? "the connection was closed during the WebSocket upgrade, or before CONNECT was answered"
      : "the broker closed the connection without answering CONNECT",
    "Ask the operator to check MQTT_PORT, MQTT_TLS, MQTT_TRANSPORT, MQTT_USER and MQTT_PASS.",
  );
}
