/**
 * The fields of results that only some tools have.
 *
 * @module
 */

import type { Result, Shown } from "./client.ts";

/** A received message with the properties of MQTT 5. */
export interface ShownWithProperties extends Shown {
  readonly topic_exact?: boolean;
  readonly content_type?: string;
  readonly message_expiry?: number;
  readonly response_topic?: string;
  readonly correlation_data?: string;
  readonly correlation_data_encoding?: "base64";
  readonly user_properties?: Readonly<Record<string, string | string[]>>;
}

/** One topic in the result of list_topics. */
export interface ListedTopic {
  readonly topic: string;
  readonly topic_exact?: boolean;
  readonly messages: number;
  readonly last: string;
  readonly retained: boolean;
  readonly live: boolean;
}

/** A result of request. */
export interface RequestResult extends Result {
  readonly response?: ShownWithProperties;
  readonly elapsed_ms: number;
  readonly acknowledged: boolean;
}

/** A result of list_topics. */
export interface ListResult extends Result {
  readonly topics: readonly ListedTopic[];
  readonly topic_count: number;
  readonly next_cursor?: string;
  readonly note: string;
}

/** A result of publish. */
export interface PublishResult extends Result {
  readonly replaced?: ShownWithProperties;
}

/** One standing subscription in the result of status. */
export interface StandingSubscription {
  readonly topic: string;
  readonly topic_exact?: boolean;
  readonly qos: number;
  readonly active: boolean;
  readonly waiting: number;
  readonly dropped: number;
  readonly gaps: number;
}

/** A result of status. */
export interface StatusResult extends Result {
  readonly connected: boolean;
  readonly state: string;
  readonly since: string;
  readonly broker: string;
  readonly transport: string;
  readonly mqtt_version?: string;
  readonly limits?: Readonly<Record<string, unknown>>;
  readonly read_only: boolean;
  readonly subscriptions: readonly StandingSubscription[];
  readonly more_subscriptions?: number;
  readonly last_error?: string;
}
