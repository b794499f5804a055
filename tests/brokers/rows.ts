/**
 * The rows of the table, in its order.
 *
 * @module
 */

import { CONNECTION_ROWS } from "./rows_connection.ts";
import { PUBLISH_ROWS } from "./rows_publish.ts";
import { READING_ROWS } from "./rows_reading.ts";
import { SUBSCRIPTION_ROWS } from "./rows_subscription.ts";
import type { Row } from "./stage.ts";

/** See the module. */
export const ROWS: readonly Row[] = [
  ...CONNECTION_ROWS,
  ...PUBLISH_ROWS,
  ...SUBSCRIPTION_ROWS,
  ...READING_ROWS,
];
