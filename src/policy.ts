/**
 * What the operator allows: the one place that decides on publishing, subscribing and delivery.
 *
 * @module
 */

import { quote } from "./text.ts";
import { covers, matches, parseFilter } from "./topic.ts";

/** The operator's rules: lists of valid topic filters, without `$share`. */
export interface PolicyRules {
  /** Whether publishing is refused altogether. */
  readonly readOnly: boolean;
  /** Topics that may be published to; `null` for all. */
  readonly allowPublish: readonly string[] | null;
  /** Topics that must not be published to, even where allowed. */
  readonly denyPublish: readonly string[];
  /** Topics that may be received; `null` for all. */
  readonly allowSubscribe: readonly string[] | null;
  /** Topics that must not be received, even where allowed. */
  readonly denySubscribe: readonly string[];
}

/** Decides by {@linkcode PolicyRules}; a refusal is the name of the rule, as a phrase. */
export class Policy {
  readonly #rules: PolicyRules;

  constructor(rules: PolicyRules) {
    this.#rules = rules;
  }

  /** Whether publishing is refused altogether. */
  get readOnly(): boolean {
    return this.#rules.readOnly;
  }

  /** Whether there is any rule at all. */
  get restricted(): boolean {
    const rules = this.#rules;
    return rules.readOnly || rules.allowPublish !== null || rules.denyPublish.length > 0 ||
      rules.allowSubscribe !== null || rules.denySubscribe.length > 0;
  }

  /** Which rule forbids publishing to the topic name `topic`; `null` when none does. */
  refusePublish(topic: string): string | null {
    const { readOnly, allowPublish, denyPublish } = this.#rules;
    if (readOnly) return "MQTT_READ_ONLY is set";
    const denied = denyPublish.find((filter) => matches(filter, topic));
    if (denied !== undefined) return `MQTT_DENY_PUBLISH denies ${quote(denied)}`;
    if (allowPublish === null || allowPublish.some((filter) => matches(filter, topic))) return null;
    return "no filter of MQTT_ALLOW_PUBLISH covers it";
  }

  /**
   * Which rule forbids subscribing to `filter`; `null` when none does. It must lie within one
   * allowed filter, and not within a denied one. Where it only overlaps a denied one,
   * {@linkcode mayDeliver} keeps out what is denied. `$share/group/filter` counts as `filter`.
   */
  refuseSubscribe(filter: string): string | null {
    const { allowSubscribe, denySubscribe } = this.#rules;
    const asked = parseFilter(filter).filter;
    const denied = denySubscribe.find((outer) => covers(outer, asked));
    if (denied !== undefined) return `MQTT_DENY_SUBSCRIBE denies ${quote(denied)}`;
    if (allowSubscribe === null || allowSubscribe.some((outer) => covers(outer, asked))) {
      return null;
    }
    return "no filter of MQTT_ALLOW_SUBSCRIBE covers it";
  }

  /** Whether a message on the topic name `topic` may be shown, whichever filter brought it. */
  mayDeliver(topic: string): boolean {
    const { allowSubscribe, denySubscribe } = this.#rules;
    if (denySubscribe.some((filter) => matches(filter, topic))) return false;
    return allowSubscribe === null || allowSubscribe.some((filter) => matches(filter, topic));
  }
}
