/** Why the launcher ends before it has become a pipe. The message never holds a credential. */
export class LaunchError extends Error {
  /** The exit code: 2 for a wrong command line, else 1. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "LaunchError";
    this.exitCode = exitCode;
  }
}
