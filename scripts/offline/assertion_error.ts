/** What every assertion of the `@std/assert` stand-in throws. */
export class AssertionError extends Error {
  /** @param message why the assertion failed */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}
