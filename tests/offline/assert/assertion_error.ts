/** The error of a failed assertion. */
export class AssertionError extends Error {
  /** Makes the error, as `Error`'s constructor does. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/**
 * Throws an {@linkcode AssertionError}. A caller's own message is put behind
 * what happened, as the real package does.
 */
export function failWith(what: string, msg?: string): never {
  throw new AssertionError(msg ? `${what}: ${msg}` : `${what}.`);
}
