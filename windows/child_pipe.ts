/**
 * A pipe from one child to another: both ends synchronous, as programs expect of
 * their standard streams. Nobody here reads or writes it, so it can be anonymous.
 *
 * Page: "CreatePipe function".
 *
 * @module
 */

import type { ChildPipe } from "../backend/backend.ts";
import { windowsError } from "./system/errors.ts";
import { Handle } from "./system/handle.ts";
import { io } from "./system/kernel32.ts";

// As large as a pipe of POSIX systems; 0 would be 4 KiB.
const BUFFER_SIZE = 65536;

/**
 * Opens a pipe whose ends are for two children.
 *
 * @returns The pipe; neither end is inheritable.
 * @throws {SystemError} when Windows refuses.
 */
export function openChildPipe(): ChildPipe {
  const reading = new BigUint64Array(new ArrayBuffer(8));
  const writing = new BigUint64Array(new ArrayBuffer(8));
  const k = io();
  const ok = k.CreatePipe(reading, writing, null, BUFFER_SIZE);
  const code = ok ? 0 : k.GetLastError();
  if (code !== 0) throw windowsError(code, "CreatePipe");
  const reader = new Handle(reading[0] as bigint);
  const writer = new Handle(writing[0] as bigint);
  return {
    // Handles have 32 significant bits, on 64-bit Windows as well.
    reading: Number(reader.value),
    writing: Number(writer.value),
    closeReading: () => reader.close(),
    closeWriting: () => writer.close(),
  };
}
