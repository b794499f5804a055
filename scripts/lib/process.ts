/** How a process is run. */
export interface RunOptions {
  /** Working folder. @default the caller's */
  cwd?: string;
  /** Added to the caller's environment. @default nothing */
  env?: Record<string, string>;
  /** Milliseconds after which the process is killed. */
  deadlineMs: number;
  /**
   * `"inherit"` shows the output as it comes, `"capture"` only returns it, `"tee"` does both.
   * @default "capture"
   */
  output?: "inherit" | "capture" | "tee";
}

/** How a process ended. */
export interface RunResult {
  /** Its exit code; 124 if the deadline ended it, 127 if the program was not found. */
  code: number;
  /** Stdout, empty when inherited. */
  stdout: string;
  /** Stderr, empty when inherited. */
  stderr: string;
}

/** Exit code of a process that its deadline ended (as of coreutils' `timeout`). */
export const TIMED_OUT = 124;

/** Exit code reported for a program that does not exist (as of a shell). */
export const NOT_FOUND = 127;

/**
 * Runs a program to its end, without stdin, and always returns by the deadline (plus a second).
 *
 * @param program name on PATH, or a path
 */
export async function run(
  program: string,
  args: string[],
  options: RunOptions,
): Promise<RunResult> {
  const output = options.output ?? "capture";
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      stdin: "null",
      stdout: output === "inherit" ? "inherit" : "piped",
      stderr: output === "inherit" ? "inherit" : "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { code: NOT_FOUND, stdout: "", stderr: `${program}: not found` };
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killQuietly(child);
  }, options.deadlineMs);
  try {
    const collect = output === "inherit" ? Promise.resolve(["", ""]) : Promise.all([
      drain(child.stdout, output === "tee" ? Deno.stdout : undefined),
      drain(child.stderr, output === "tee" ? Deno.stderr : undefined),
    ]);
    const status = await child.status;
    // A grandchild may hold the pipes open after the child is gone.
    const texts = await Promise.race([collect, later(1000, ["", ""])]);
    return {
      code: timedOut ? TIMED_OUT : status.code,
      stdout: texts[0] ?? "",
      stderr: texts[1] ?? "",
    };
  } finally {
    clearTimeout(timer);
  }
}

async function drain(
  stream: ReadableStream<Uint8Array>,
  copyTo: { writeSync(bytes: Uint8Array): number } | undefined,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let rest = chunk; copyTo && rest.length > 0;) rest = rest.subarray(copyTo.writeSync(rest));
  }
  return text + decoder.decode();
}

function later<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => Deno.unrefTimer(setTimeout(() => resolve(value), ms)));
}

function killQuietly(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It ended in the meantime, which is all that is wanted.
  }
}
