/**
 * The three standard streams of a child: our ends and the child's.
 *
 * Pages: "GetStdHandle function", "DuplicateHandle function".
 *
 * @module
 */

import type { StdioTarget } from "../../backend/spec.ts";
import {
  DUPLICATE_SAME_ACCESS,
  INVALID_HANDLE_VALUE,
} from "../system/constants.ts";
import { ERROR_INVALID_HANDLE } from "../system/error_codes.ts";
import { windowsError } from "../system/errors.ts";
import { Handle } from "../system/handle.ts";
import { processes } from "../system/kernel32.ts";
import { openForChild } from "./files.ts";
import { createPipe, openNull } from "./pipe.ts";

// GetCurrentProcess is a constant: the pseudo handle -1.
const CURRENT_PROCESS = INVALID_HANDLE_VALUE;
// STD_INPUT_HANDLE is -10, output -11, error -12, as DWORDs.
const STD_INPUT_HANDLE = 0xFFFFFFF6;
const STREAMS: readonly string[] = ["stdin", "stdout", "stderr"];

/** The ends of all streams. */
export class StdioEnds implements Disposable {
  readonly #ours: (Handle | null)[] = [null, null, null];
  readonly #theirs: (Handle | null)[] = [null, null, null];

  /**
   * Opens what is needed. To be made before anything else is opened for this
   * child, and copies what the caller gave first: the number of a handle that has
   * been closed would be given to something new, and pass for open.
   *
   * @param targets What stdin, stdout and stderr are connected to.
   * @param command The program, for messages.
   * @throws {TypeError} for a handle that is not open; nothing is left open then.
   * @throws {SystemError} when Windows refuses; nothing is left open then.
   */
  constructor(
    targets: readonly [StdioTarget, StdioTarget, StdioTarget | "stdout"],
    command: string,
  ) {
    try {
      for (let i = 0; i < 3; i++) {
        const target = targets[i];
        if (typeof target === "number") this.#copy(i, target, command);
      }
      for (let i = 0; i < 3; i++) {
        const target = targets[i] as StdioTarget | "stdout";
        if (target === "stdout") this.#copyOfStdout();
        else if (typeof target !== "number") this.#open(i, target, command);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #copy(index: number, target: number, command: string): void {
    const copy = duplicate(BigInt(target));
    if (copy === null) throw notOpen(target, index, command);
    this.#theirs[index] = copy;
  }

  #open(
    index: number,
    target: Exclude<StdioTarget, number>,
    command: string,
  ): void {
    if (target === "piped") {
      const pair = createPipe(index === 0 ? "out" : "in");
      this.#ours[index] = pair.ours;
      this.#theirs[index] = pair.theirs;
    } else if (typeof target === "object") {
      this.#theirs[index] = openForChild(target, {
        reads: index === 0,
        name: STREAMS[index] as string,
        command,
      });
    } else {
      const inherited = target === "inherit" ? duplicateOwn(index) : null;
      this.#theirs[index] = inherited ?? openNull(index === 0);
    }
  }

  // A handle of its own: the list of inherited handles takes none twice.
  #copyOfStdout(): void {
    this.#theirs[2] = duplicate((this.#theirs[1] as Handle).value);
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
  return duplicate(processes().GetStdHandle(STD_INPUT_HANDLE - index));
}

/** A copy, not inheritable; `null` of a handle that is none, or closed. */
function duplicate(own: bigint): Handle | null {
  if (own === 0n || own === INVALID_HANDLE_VALUE) return null;
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
  if (code === ERROR_INVALID_HANDLE) return null;
  if (code !== 0) throw windowsError(code, "DuplicateHandle");
  return new Handle(out[0] as bigint);
}

function notOpen(handle: number, index: number, command: string): TypeError {
  return new TypeError(
    `Failed to spawn '${command}': handle ${handle}, given as ${
      STREAMS[index]
    }, is not open`,
  );
}
