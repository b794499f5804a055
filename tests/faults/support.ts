/**
 * What the tests under fault and load share: seeds, memory, and what nobody caught.
 *
 * @module
 */

import { BOUNDED_VARIABLE } from "../../scripts/lib/suite.ts";
import { Random } from "../support/random.ts";

/** Environment variable with the seed of a run that is to be repeated. */
export const SEED_VARIABLE = "FAULTS_SEED";

/** Environment variable with the file that the figures of a run are added to. */
export const FIGURES_VARIABLE = "SUITE_FIGURES";

/** What a run measured for one row of the table in this folder's README. */
export interface Figure {
  readonly row: number;
  readonly line: string;
}

/** How often something is done: `full`, or `bounded` in the short form of the suite. */
export function amount(full: number, bounded: number): number {
  return Deno.env.get(BOUNDED_VARIABLE) === "1" ? bounded : full;
}

/** The middle one of some numbers; of an even count, the upper of the two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/**
 * The random values of a test: of {@linkcode SEED_VARIABLE}'s seed, else of a new one. The seed is
 * printed with what the test found, so that the run can be repeated.
 */
export function randomFor(name: string): Random {
  const told = Deno.env.get(SEED_VARIABLE);
  const random = new Random(
    told === undefined ? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0 : Number(told),
  );
  say(`${name}: ${SEED_VARIABLE}=${random.seed}`);
  return random;
}

/** Prints one line of figures for a row of the table, and keeps it where the run wants it kept. */
export function report(row: number, line: string): void {
  say(`row ${row}: ${line}`);
  const file = Deno.env.get(FIGURES_VARIABLE);
  if (file === undefined) return;
  const figure: Figure = { row, line };
  Deno.writeTextFileSync(file, `${JSON.stringify(figure)}\n`, { append: true });
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`  [figures] ${line}\n`));
}

/** Resident memory of a process in MiB; undefined where there is no /proc. */
export async function residentMiB(pid: number): Promise<number | undefined> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024);
  } catch {
    return undefined;
  }
}

/** The most resident memory that a process ever had, in MiB; undefined where there is no /proc. */
export async function peakMiB(pid: number): Promise<number | undefined> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024);
  } catch {
    return undefined;
  }
}

/** Bytes as hexadecimal text, for a failure message. */
export function hex(bytes: Uint8Array): string {
  return [...bytes.subarray(0, 200)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Collects what nobody caught in this isolate, where it would end the real process. */
export class Uncaught implements Disposable {
  readonly errors: string[] = [];
  readonly #onError = (event: ErrorEvent): void => {
    event.preventDefault();
    this.#add(event.error);
  };
  readonly #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.#add(event.reason);
  };

  constructor() {
    addEventListener("error", this.#onError);
    addEventListener("unhandledrejection", this.#onRejection);
  }

  #add(cause: unknown): void {
    this.errors.push(cause instanceof Error ? cause.stack ?? cause.message : String(cause));
  }

  [Symbol.dispose](): void {
    removeEventListener("error", this.#onError);
    removeEventListener("unhandledrejection", this.#onRejection);
  }
}
