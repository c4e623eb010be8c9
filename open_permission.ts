/**
 * Opening a file for a child as `Deno.open` would: native calls go past Deno's
 * sandbox, and Deno does not tell the descriptor of a file that it has opened.
 *
 * @module
 */

import type { FileAccess } from "./backend.ts";

const OPTIONS: Readonly<Record<FileAccess, Deno.OpenOptions>> = {
  read: { read: true },
  write: { write: true, create: true, truncate: true },
  append: { append: true, create: true },
};

/**
 * Has Deno open the file: asks for its permissions, makes or empties the file,
 * and throws what `Deno.open` throws. While the result is open the caller opens
 * the file once more, natively; a FIFO is not waited for twice then.
 *
 * @param path The file.
 * @param access What the child may do with it.
 * @returns Deno's file, to be closed by the caller.
 * @throws {Deno.errors.NotCapable} without `--allow-read`, or `--allow-write`, for it.
 * @throws {Deno.errors.NotFound} when it is to be read and is not there.
 */
export function openChecked(path: string, access: FileAccess): Deno.FsFile {
  return Deno.openSync(path, OPTIONS[access]);
}
