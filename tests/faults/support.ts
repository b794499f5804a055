/**
 * What the tests under fault and load share: seeds, memory, and what nobody caught.
 *
 * @module
 */

import { Random } from "../support/random.ts";

/** Environment variable with the seed of a run that is to be repeated. */
export const SEED_VARIABLE = "FAULTS_SEED";

/** Environment variable with the number of messages of the soak. */
export const SOAK_VARIABLE = "FAULTS_SOAK";

/**
 * The random values of a test: of {@linkcode SEED_VARIABLE}'s seed, else of a new one. The seed is
 * printed with what the test found, so that the run can be repeated.
 */
export function randomFor(name: string): Random {
  const told = Deno.env.get(SEED_VARIABLE);
  const random = new Random(
    told === undefined ? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0 : Number(told),
  );
  report(`${name}: ${SEED_VARIABLE}=${random.seed}`);
  return random;
}

/** Prints one line of figures, for the record of the run. */
export function report(line: string): void {
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
