/**
 * The three standard streams of a child: our ends and the child's.
 *
 * Pages: "GetStdHandle function", "DuplicateHandle function".
 *
 * @module
 */

import type { StdioSource } from "../backend.ts";
import { DUPLICATE_SAME_ACCESS, INVALID_HANDLE_VALUE } from "./constants.ts";
import { SystemError } from "../errors.ts";
import { ERROR_INVALID_HANDLE } from "./error_codes.ts";
import { windowsError } from "./errors.ts";
import { Handle } from "./handle.ts";
import { processes } from "./kernel32.ts";
import { createPipe, openNull } from "./pipe.ts";

// GetCurrentProcess is a constant: the pseudo handle -1.
const CURRENT_PROCESS = INVALID_HANDLE_VALUE;
// STD_INPUT_HANDLE is -10, output -11, error -12, as DWORDs.
const STD_INPUT_HANDLE = 0xFFFFFFF6;

/** The ends of all streams. */
export class StdioEnds implements Disposable {
  readonly #ours: (Handle | null)[] = [null, null, null];
  readonly #theirs: Handle[] = [];

  /**
   * Opens what is needed.
   *
   * @param modes What stdin, stdout and stderr are connected to.
   * @throws {SystemError} when Windows refuses; nothing is left open then.
   */
  constructor(modes: readonly [StdioSource, StdioSource, StdioSource]) {
    try {
      for (let i = 0; i < 3; i++) this.#open(i, modes[i] as StdioSource);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #open(index: number, mode: StdioSource): void {
    if (mode === "piped") {
      const pair = createPipe(index === 0 ? "out" : "in");
      this.#ours[index] = pair.ours;
      this.#theirs.push(pair.theirs);
    } else if (typeof mode === "number") {
      this.#theirs.push(duplicate(BigInt(mode)));
    } else {
      const inherited = mode === "inherit" ? duplicateOwn(index) : null;
      this.#theirs.push(inherited ?? openNull(index === 0));
    }
  }

  /** The child's ends. */
  get theirs(): readonly [Handle, Handle, Handle] {
    return this.#theirs as unknown as readonly [Handle, Handle, Handle];
  }

  /**
   * Gives our end of a stream away; the receiver closes it.
   *
   * @param index 0 for stdin, 1 for stdout, 2 for stderr.
   * @returns The handle, or `null` when the stream is not piped.
   */
  take(index: number): Handle | null {
    const handle = this.#ours[index] ?? null;
    this.#ours[index] = null;
    return handle;
  }

  /** Closes the child's ends, and those of ours that were not taken. Idempotent. */
  [Symbol.dispose](): void {
    for (let i = 0; i < this.#theirs.length; i++) this.#theirs[i]?.close();
    for (let i = 0; i < 3; i++) this.take(i)?.close();
  }
}

/**
 * A copy of one of our own standard handles: the original may not be made
 * inheritable under the feet of others. `null` when we have none, as a service
 * or a program with windows; the child gets the null device then.
 */
function duplicateOwn(index: number): Handle | null {
  const own = processes().GetStdHandle(STD_INPUT_HANDLE - index);
  if (own === 0n || own === INVALID_HANDLE_VALUE) return null;
  try {
    return duplicate(own);
  } catch (error) {
    // A handle that was closed under us: like none.
    const gone = error instanceof SystemError &&
      error.errno === ERROR_INVALID_HANDLE;
    if (gone) return null;
    throw error;
  }
}

/** A copy that is not inheritable, until the moment of the spawn. */
function duplicate(own: bigint): Handle {
  const k = processes();
  const out = new BigUint64Array(new ArrayBuffer(8));
  const ok = k.DuplicateHandle(
    CURRENT_PROCESS,
    own,
    CURRENT_PROCESS,
    out,
    0,
    0,
    DUPLICATE_SAME_ACCESS,
  );
  const code = ok ? 0 : k.GetLastError();
  if (code !== 0) throw windowsError(code, "DuplicateHandle");
  return new Handle(out[0] as bigint);
}
