import { measureCollecting, measureReceiving } from "./collect_rows.ts";
import { measureMemory } from "./memory_rows.ts";
import { measurePublishes } from "./publish_rows.ts";
import { measureRetained } from "./retained_rows.ts";
import type { Row } from "./row.ts";
import type { Setting } from "./setting.ts";
import { measureStanding } from "./standing_rows.ts";
import { compareSizes, measureStarts } from "./start_rows.ts";

/** Rows that are measured together. */
export interface Group {
  /** What `--only` calls it. */
  readonly name: string;
  /** How many rows it gives. */
  readonly rows: number;
  /** Programs that it needs. */
  readonly needs: readonly string[];
  readonly measure: (setting: Setting) => Promise<Row[]> | Row[];
}

/** Everything that is measured, in the order of the table. */
export const GROUPS: readonly Group[] = [
  { name: "start", rows: 2, needs: [], measure: measureStarts },
  { name: "memory", rows: 3, needs: [], measure: measureMemory },
  { name: "publish", rows: 2, needs: ["mosquitto"], measure: measurePublishes },
  { name: "collect", rows: 1, needs: ["mosquitto"], measure: measureCollecting },
  { name: "receive", rows: 1, needs: [], measure: measureReceiving },
  {
    name: "retained",
    rows: 2,
    needs: ["mosquitto", "mosquitto_sub"],
    measure: measureRetained,
  },
  { name: "standing", rows: 2, needs: [], measure: measureStanding },
  { name: "size", rows: 1, needs: [], measure: (setting) => [compareSizes(setting)] },
];
