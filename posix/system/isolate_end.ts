/**
 * The end of this isolate: what is closed with it, so that a process in which
 * isolates come and go keeps nothing of those that are gone.
 *
 * - The isolate of the main thread, and that of a test file, ends with the event
 *   `unload`: at the normal end, at `Deno.exit()`, at a restart of `--watch`.
 * - A worker ends without running any JavaScript (`terminate()`, `self.close()`).
 *   Its thread ends with it, and the C library then calls close(2).
 * - A restart of `deno serve --watch` that has waited in vain for half a second, and
 *   one of `--watch-hmr`, drop the isolate without `unload`, and its thread goes on.
 *   What Deno itself has open for the isolate is closed then.
 *
 * `Deno.exit()` inside a test fires `unload` and the code goes on: everything here
 * can happen twice, and what is closed is opened again when it is needed.
 *
 * @module
 */

import { cString } from "../../ffi/memory.ts";
import { setCloseOnExec, setNonBlocking } from "./file_system.ts";
import { DARWIN, libc, libcJobControl, libcThread } from "./libc.ts";

const O_CLOEXEC = 0x80000;

/** Whether this isolate is a worker. */
export const IN_WORKER: boolean = "WorkerGlobalScope" in globalThis;

const closers: (() => void)[] = [];
const kept = new Set<Kept>();
let listens = false;

/** A descriptor that is open for as long as it is needed, or this isolate lives. */
export interface Kept {
  /** Its number, or -1. */
  fd: number;
}

/**
 * Calls a function at the `unload` of this isolate, before its descriptors are
 * closed. In a worker there is none.
 *
 * @param close Called synchronously, and again when `unload` fires again.
 */
export function atUnload(close: () => void): void {
  listen();
  closers[closers.length] = close;
}

function listen(): void {
  if (listens) return;
  listens = true;
  globalThis.addEventListener("unload", closeAll);
}

function closeAll(): void {
  for (let i = 0; i < closers.length; i++) (closers[i] as () => void)();
  kept.forEach(closeKept);
}

/**
 * Has an open descriptor closed when this isolate ends, if it is still open then.
 *
 * @param one The descriptor; in a worker it may get another number.
 * @returns The same object.
 */
export function keep<T extends Kept>(one: T): T {
  listen();
  one.fd = bindToThread(one.fd) ?? one.fd;
  kept.add(one);
  return one;
}

/**
 * Closes such a descriptor.
 *
 * @param one The descriptor; nothing is done when it is closed already.
 */
export function closeKept(one: Kept): void {
  kept.delete(one);
  if (one.fd >= 0) closeBound(one.fd);
  one.fd = -1;
}

// Numbers that the end of the thread closes, and of these the ones not in use.
const bound = new Set<number>();
const unused: number[] = [];

/**
 * Has a descriptor closed when the thread of this worker ends. In an isolate that
 * is no worker nothing happens.
 *
 * @param fd The descriptor, close-on-exec; given up.
 * @returns The number that it has from now on, to be closed with
 * {@linkcode closeBound}; `null` where the end of a thread cannot be noticed, and
 * the descriptor stays what it was.
 */
export function bindToThread(fd: number): number | null {
  if (!IN_WORKER) return fd;
  const known = unused.pop();
  if (known !== undefined) {
    moveTo(fd, known);
    return known;
  }
  if (!callAtThreadEnd(BigInt(fd))) return null;
  bound.add(fd);
  return fd;
}

function callAtThreadEnd(argument: bigint): boolean {
  const c = libcThread();
  const close = Deno.UnsafePointer.value(c.close);
  if (c.__cxa_thread_atexit_impl !== null) {
    return c.__cxa_thread_atexit_impl(close, argument, close) === 0;
  }
  if (c._tlv_atexit !== null) {
    c._tlv_atexit(close, argument);
    return true;
  }
  // A key's destructor is called with its value. A process has about a thousand
  // keys, and those of ended workers are not given back.
  const key = new BigUint64Array(1);
  return c.pthread_key_create(new Uint8Array(key.buffer), close) === 0 &&
    c.pthread_setspecific(key[0] as bigint, argument) === 0;
}

// Descriptors that are Deno's, which closes them with the isolate.
const lent = new Map<number, Deno.FsFile>();

const ALL = ["read", "write", "run", "net", "env", "sys", "ffi"] as const;

function isGranted(name: typeof ALL[number]): boolean {
  return Deno.permissions.querySync({ name }).state === "granted";
}

/**
 * Has the writing end of a pipe closed when this isolate is dropped without
 * `unload` (Linux): it is opened once more by its name in /proc, see proc(5), which
 * Deno allows those that may do everything.
 *
 * @param fd The descriptor; given up.
 * @returns The number that it has from now on, to be closed with
 * {@linkcode closeBound}; `null` where such an end cannot be noticed, and the
 * descriptor stays what it was.
 */
export function bindToDeno(fd: number): number | null {
  if (!ALL.every(isGranted)) return null;
  const path = `/proc/self/fd/${fd}`;
  let file: Deno.FsFile | null = null;
  try {
    const pipe = Deno.readLinkSync(path);
    file = Deno.openSync(path, { write: true });
    const number = numbersOf(pipe).find((one) => one !== fd);
    if (number !== undefined) {
      setNonBlocking(number);
      libc().close(fd);
      lent.set(number, file);
      return number;
    }
  } catch {
    // A part that is denied all the same, or no descriptor left.
  }
  file?.close();
  return null;
}

// The descriptors of this process that have a file open.
function numbersOf(link: string): number[] {
  const numbers: number[] = [];
  const entries = Deno.readDirSync("/proc/self/fd")[Symbol.iterator]();
  for (let one = entries.next(); one.done !== true; one = entries.next()) {
    const { name } = one.value;
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`) !== link) continue;
    } catch {
      // Closed since, such as that of the directory.
      continue;
    }
    numbers[numbers.length] = Number(name);
  }
  return numbers;
}

/**
 * Closes a descriptor that {@linkcode bindToThread} or {@linkcode bindToDeno}
 * returned. A number that the end of the thread closes stays taken until then:
 * nothing else may be opened with it.
 *
 * @param fd The descriptor.
 */
export function closeBound(fd: number): void {
  const file = lent.get(fd);
  if (file !== undefined) {
    lent.delete(fd);
    file.close();
    return;
  }
  if (!bound.has(fd)) {
    libc().close(fd);
    return;
  }
  const empty = libcJobControl().open(cString("/dev/null"), 0);
  if (empty < 0) return;
  moveTo(empty, fd);
  unused[unused.length] = fd;
}

function moveTo(fd: number, number: number): void {
  const { dup2, dup3 } = libcThread();
  if (dup3 !== null) dup3(fd, number, O_CLOEXEC);
  else if (dup2(fd, number) >= 0 && DARWIN) setCloseOnExec(number);
  libc().close(fd);
}
