/**
 * What the value of each kind of credential must look like. A rule never repeats the value.
 *
 * @module
 */

import { mqttStringFault, topicFilterFault } from "./topic.ts";

/** What a rule makes of a value: what it means, or the rule that it breaks. */
export type Ruling<T> = { readonly value: T } | { readonly fault: string };

/** Reads a value that is neither absent nor empty. */
export type Rule<T> = (text: string) => Ruling<T>;

const HOST = "must be a host name or IP address";

/** A host name or an IP address; an IPv6 address may stand in brackets, and loses them. */
export function hostRule(text: string): Ruling<string> {
  if (text.includes("://")) {
    return { fault: `${HOST}, not a URL: give the port as MQTT_PORT, TLS as MQTT_TLS` };
  }
  const inBrackets = /^\[([^\]]*)\]$/.exec(text)?.[1];
  const address = inBrackets ?? text;
  if (isIpv6(address)) return { value: address };
  if (inBrackets === undefined && /^(?:[^:\s/@]+|\[[^\]]*\]):[0-9]*$/.test(text)) {
    return { fault: `${HOST} without a port: give the port as MQTT_PORT` };
  }
  return isHostName(text) ? { value: text } : { fault: HOST };
}

/** An integer in decimal digits. */
export function integerRule(min: number, max: number): Rule<number> {
  return (text) => {
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return { value };
    return { fault: `must be an integer from ${min} to ${max}` };
  };
}

/** `true` or `false`, in any case. */
export function booleanRule(text: string): Ruling<boolean> {
  const lower = text.toLowerCase();
  if (lower === "true" || lower === "false") return { value: lower === "true" };
  return { fault: "must be true or false" };
}

/** One of a few words, in any case; the value is the word as listed. */
export function choiceRule<const T extends string>(...choices: readonly T[]): Rule<T> {
  return (text) => {
    const value = choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
    if (value !== undefined) return { value };
    return { fault: `must be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}` };
  };
}

/** What an MQTT packet can carry as a string. */
export function mqttStringRule(text: string): Ruling<string> {
  const fault = mqttStringFault(text);
  return fault === null ? { value: text } : { fault };
}

/**
 * PEM text with a block whose label ends in `label`. Where there is no newline, `\n` written as
 * two characters stands for one: that is how environments and command lines carry PEM.
 */
export function pemRule(label: "CERTIFICATE" | "PRIVATE KEY"): Rule<string> {
  const begin = new RegExp(`-----BEGIN (?:[A-Z0-9]+ )*${label}-----\\r?\\n`);
  return (text) => {
    const value = text.includes("\n") ? text : text.replaceAll("\\r", "").replaceAll("\\n", "\n");
    if (!begin.test(value) || !value.includes("-----END ")) {
      return {
        fault: `must be PEM text with a ${label} block, its lines separated by newlines or by \\n`,
      };
    }
    if (/BEGIN ENCRYPTED|ENCRYPTED\r?\n/.test(value)) {
      return { fault: "must not be encrypted: there is no passphrase to open it with" };
    }
    return { value };
  };
}

/** The path of a WebSocket URL. */
export function wsPathRule(text: string): Ruling<string> {
  return /^\/[!-"$-~]*$/.test(text)
    ? { value: text }
    : { fault: "must start with / and hold only visible ASCII characters without #" };
}

/** Topic filters separated by commas. */
export function filtersRule(text: string): Ruling<readonly string[]> {
  const filters = text.split(",").map((filter) => filter.trim());
  for (const [index, filter] of filters.entries()) {
    // As a rule it would say less than it seems to: the policy counts $share/g/f as f.
    const fault = filter.startsWith("$share/")
      ? "give the filter without $share/group/"
      : topicFilterFault(filter);
    if (fault !== null) {
      return { fault: `filter ${index + 1} is not a valid topic filter: ${fault}` };
    }
  }
  return { value: Object.freeze(filters) };
}

function isIpv6(text: string): boolean {
  return /^[0-9A-Fa-f:.]+$/.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`);
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
}

/** RFC 1123, and the underscores that real networks use. */
function isHostName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.replace(/\.$/, "").split(".");
  // All digits at the end, it is taken for an IPv4 address: then it must be one (WHATWG URL, 3.5).
  if (/^\d+$/.test(labels.at(-1) ?? "")) return isIpv4(text);
  return labels.every((label) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})$/.test(label));
}
