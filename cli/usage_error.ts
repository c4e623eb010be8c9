/** A mistake in the command line: the message says what, the help says how. */
export class UsageError extends Error {
  /** The class's name. */
  override name = "UsageError";
}
