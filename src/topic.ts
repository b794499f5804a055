/**
 * The topic grammar of MQTT 3.1.1 and 5 (section 4.7, and 4.8 for shared subscriptions): what is
 * valid, what matches what, which filter contains which.
 *
 * @module
 */

import { utf8Length, withThousands } from "./text.ts";

const SHARE_PREFIX = "$share/";
const MAX_BYTES = 65_535;
const TOO_LONG = "must be at most 65,535 bytes of UTF-8";
/** Beyond this many UTF-16 units the exact length is not worth counting. */
const MAX_COUNTED_UNITS = 4 * MAX_BYTES;
const PLUS = 0x2B;
const HASH = 0x23;
const DOLLAR = 0x24;

/**
 * Why `text` cannot be a string in an MQTT packet, as a rule that follows "it "; `null` when it
 * can (MQTT-1.5.4-1 and MQTT-1.5.4-2 of MQTT 5; MQTT-1.5.3-1 and MQTT-1.5.3-2 of MQTT 3.1.1).
 */
export function mqttStringFault(text: string): string | null {
  if (utf8Length(text, MAX_BYTES) > MAX_BYTES) return TOO_LONG;
  if (text.includes("\0")) return "must not contain the NUL character";
  if (!text.isWellFormed()) return "must not contain an unpaired surrogate";
  return null;
}

/**
 * Why `name` is not a topic name one can publish to, as a phrase that follows
 * "Cannot publish to 'a/#': "; `null` when it is one (MQTT-4.7.1-1, MQTT-4.7.3-1 to -3).
 */
export function topicNameFault(name: string): string | null {
  if (name === "") return "a topic name must not be empty";
  const fault = topicStringFault(name);
  if (fault !== null) return fault;
  return hasWildcard(name) ? "a topic name must not contain wildcards" : null;
}

/**
 * Why `filter` is not a topic filter one can subscribe to, as a phrase that follows
 * "Cannot subscribe to 'a/#/b': "; `null` when it is one (MQTT-4.7.1-1 to -3, MQTT-4.7.3-1 to -3,
 * MQTT-4.8.2-1 and -2).
 */
export function topicFilterFault(filter: string): string | null {
  if (filter === "") return "a topic filter must not be empty";
  const fault = topicStringFault(filter);
  if (fault !== null) return fault;
  if (filter !== "$share" && !filter.startsWith(SHARE_PREFIX)) return wildcardFault(filter);
  const { group, filter: shared } = parseFilter(filter);
  if (group === null || group === "" || shared === "") {
    return "$share needs a group name and a topic filter: $share/group/filter";
  }
  if (hasWildcard(group)) return "a share group name must not contain '+' or '#'";
  return wildcardFault(shared);
}

/**
 * Splits `$share/group/filter` (MQTT 5, section 4.8.2); any other filter has no group and is
 * returned as it is.
 */
export function parseFilter(filter: string): { group: string | null; filter: string } {
  if (!filter.startsWith(SHARE_PREFIX)) return { group: null, filter };
  const end = filter.indexOf("/", SHARE_PREFIX.length);
  if (end < 0) return { group: null, filter };
  return { group: filter.slice(SHARE_PREFIX.length, end), filter: filter.slice(end + 1) };
}

/** Whether a text has a wildcard character, MQTT-4.7.1. */
export function hasWildcard(text: string): boolean {
  return /[+#]/.test(text);
}

/** Whether `filter` names one topic: no wildcard, no `$share`. */
export function isExactTopic(filter: string): boolean {
  return !hasWildcard(filter) && !filter.startsWith(SHARE_PREFIX);
}

/**
 * Whether the valid `filter` (without `$share`) matches the topic `name`. A leading wildcard does
 * not match a name that begins with `$` (MQTT-4.7.2-1); `a/#` matches `a` too (section 4.7.1.2).
 */
export function matches(filter: string, name: string): boolean {
  if (name.charCodeAt(0) === DOLLAR && beginsWithWildcard(filter)) return false;
  let f = 0;
  let n = 0;
  while (true) {
    const unit = filter.charCodeAt(f);
    if (unit === HASH) return true;
    if (unit === PLUS) {
      f++;
      n = levelEnd(name, n);
    } else {
      const end = levelEnd(filter, f);
      const length = end - f;
      if (levelEnd(name, n) - n !== length || !name.startsWith(filter.slice(f, end), n)) {
        return false;
      }
      f = end;
      n += length;
    }
    if (f === filter.length) return n === name.length;
    if (n === name.length) return f + 2 === filter.length && filter.charCodeAt(f + 1) === HASH;
    f++;
    n++;
  }
}

/**
 * Whether every name that the valid filter `inner` matches is matched by the valid filter `outer`
 * (both without `$share`). `sensors/+` does not cover `sensors/#`; `#` does not cover `$SYS/#`.
 */
export function covers(outer: string, inner: string): boolean {
  if (inner.charCodeAt(0) === DOLLAR && beginsWithWildcard(outer)) return false;
  const outerLevels = levelsOf(outer);
  const innerLevels = levelsOf(inner);
  for (let i = 0;; i++) {
    const level = outerLevels[i];
    if (level === "#") return true;
    if (level === undefined) return innerLevels.length === i;
    const other = innerLevels[i];
    if (other === undefined || other === "#") return false;
    if (level !== "+" && level !== other) return false;
  }
}

function topicStringFault(topic: string): string | null {
  const fault = mqttStringFault(topic);
  if (fault === null) return null;
  if (fault !== TOO_LONG) return `a topic ${fault}`;
  const size = topic.length > MAX_COUNTED_UNITS
    ? `more than ${withThousands(MAX_COUNTED_UNITS)}`
    : withThousands(utf8Length(topic));
  return `a topic ${fault} (it has ${size})`;
}

function wildcardFault(filter: string): string | null {
  for (let start = 0; start <= filter.length;) {
    const end = levelEnd(filter, start);
    const level = filter.slice(start, end);
    if (level.includes("#") && (level !== "#" || end < filter.length)) {
      return "'#' must be the last level and stand alone in it";
    }
    if (level.includes("+") && level !== "+") return "'+' must stand alone in its level";
    start = end + 1;
  }
  return null;
}

function beginsWithWildcard(filter: string): boolean {
  const unit = filter.charCodeAt(0);
  return unit === PLUS || unit === HASH;
}

/**
 * The levels of `filter`, such that a `#` after them stands for any number of further levels, none
 * too. A name is at least one character (MQTT-4.7.3-1): `#` needs one level, and `/#`, whose parent
 * would be the empty name, two.
 */
function levelsOf(filter: string): string[] {
  if (filter === "#") return ["+", "#"];
  return filter === "/#" ? ["", "+", "#"] : filter.split("/");
}

function levelEnd(topic: string, start: number): number {
  const end = topic.indexOf("/", start);
  return end < 0 ? topic.length : end;
}
