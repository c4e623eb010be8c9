/**
 * Pipes: to a child's standard streams, as byte sources and sinks, and from one child
 * to another.
 *
 * A pipe(7) whose near end is non-blocking. Not a socket pair, whose buffers are
 * eight times as small on macOS, and which bash(1) takes for the network daemon's: it
 * reads ~/.bashrc then.
 *
 * @module
 */

import type { ChildPipe } from "../../backend/backend.ts";
import type { ByteSink, ByteSource } from "../../backend/native.ts";
import { turnBegan, turnIsSpent } from "../../backend/timer.ts";
import { buffer } from "../../ffi/library.ts";
import {
  aboveStdio,
  setCloseOnExec,
  setNonBlocking,
} from "../system/file_system.ts";
import { eagain, EINTR, posixError } from "../system/errno.ts";
import {
  bindErrno,
  DARWIN,
  errno,
  libc,
  libcDarwin,
  libcLinux,
  libcWait,
} from "../system/libc.ts";
import { closeKept, keep, type Kept } from "../system/isolate_end.ts";
import { reactor, type Watch } from "../wait/reactor.ts";

const POLLIN = 1;
const O_CLOEXEC = 0x80000;
const F_SETPIPE_SZ = 1031;
const EAGAIN = eagain(Deno.build.os);

// The kernel's default capacity of a pipe; a read that fills it says "more". It is
// also the size of a read: an array of 128 KiB or more is memory of its own from the
// kernel (mmap(2)), each page of it new, and given back when it is collected.
const PIPE_SIZE = 65536;

const LARGE_PIPE_SIZE = 1 << 20;

// A writer that has written so much between two looks is waited for without delay.
const BUSY = 4096;

// A writer that has filled a pipe is looked at so often, 0.5 µs each, before a thread
// waits for it, which takes 50 µs.
const EAGER_READS = 30;

// Bytes moved without letting the event loop turn: data that is always there, or
// a reader that keeps up, must not starve the timer that would end the child. The
// time is limited as well (`backend/timer.ts`).
const TURN_BUDGET = 4 << 20;

// A reader that has emptied so many full pipes one after the other, each within this
// time, keeps up with the writer.
const KEPT_UP = 3;
const KEPT_UP_MS = 10;

/** The two ends of a pipe, both close-on-exec, both above 2. */
export interface PipeEnds {
  /** The end that stays here. */
  readonly near: number;
  /** The end that the child gets. */
  readonly far: number;
}

/**
 * Opens a pipe.
 *
 * @param direction `in`: the child reads it; `out`: the child writes it.
 * @returns Both ends.
 */
export function openPipe(direction: "in" | "out"): PipeEnds {
  const { reading, writing } = openPair();
  const ends = direction === "in"
    ? { near: writing, far: reading }
    : { near: reading, far: writing };
  // O_NONBLOCK belongs to the open file description: the child's end has its own.
  try {
    setNonBlocking(ends.near);
  } catch (error) {
    libc().close(ends.near);
    libc().close(ends.far);
    throw error;
  }
  return ends;
}

/**
 * Opens a pipe(2) whose ends block, both close-on-exec, both above 2.
 *
 * @returns Both ends.
 * @throws {SystemError} when no descriptor is left; nothing is open then.
 */
export function openPair(): { reading: number; writing: number } {
  bindErrno();
  const pair = new Int32Array(2);
  const bytes = new Uint8Array(pair.buffer);
  const rc = DARWIN
    ? libcDarwin().pipe(bytes)
    : libcLinux().pipe2(bytes, O_CLOEXEC);
  if (rc !== 0) throw posixError(DARWIN ? "pipe" : "pipe2", errno());
  if (DARWIN) {
    // Not at once, which only children of others can see (Deno.Command, Node):
    // for ours, CLOEXEC_DEFAULT. Otherwise one of theirs, started any time later,
    // would hold the child's stdin open, or its output.
    setCloseOnExec(pair[0] as number);
    setCloseOnExec(pair[1] as number);
  }
  const reading = moved(pair[0] as number, pair[1] as number);
  return { reading, writing: moved(pair[1] as number, reading) };
}

// The copy above 2. When there can be none, both ends are closed.
function moved(fd: number, other: number): number {
  try {
    return aboveStdio(fd);
  } catch (error) {
    libc().close(other);
    throw error;
  }
}

function readNow(fd: number, view: Uint8Array<ArrayBuffer>): number {
  const size = BigInt(view.byteLength);
  for (;;) {
    const n = libc().read(fd, view, size);
    if (n >= 0) return n;
    const error = errno();
    if (error !== EINTR) return -error;
  }
}

function writeNow(fd: number, view: Uint8Array<ArrayBuffer>): number {
  const size = BigInt(view.byteLength);
  for (;;) {
    const n = libc().write(fd, view, size);
    if (n >= 0) return n;
    const error = errno();
    if (error !== EINTR) return -error;
  }
}

// Fewer, larger turns are cheaper for both ends. Refused beyond the user's pipe
// quota (pipe(7)): no matter.
function enlarge(fd: number): void {
  if (DARWIN) return;
  libcLinux().fcntl(fd, F_SETPIPE_SZ, BigInt(LARGE_PIPE_SIZE));
}

// A pipe without a reference is closed: a caller need not read its output.
// The cell is emptied by close(), so no other file's number is hit.
const abandoned = new FinalizationRegistry<Cell>(closeCell);

interface Cell extends Kept {
  readonly interest: "read" | "write";
}

function closeCell(cell: Cell): void {
  if (cell.fd < 0) return;
  // Before the close: the next pipe of this number would be taken for a known one.
  reactor().remove(cell.fd, cell.interest);
  closeKept(cell);
}

/** The reading end of a child's stdout or stderr. */
export class PipeSource implements ByteSource {
  readonly readSize: number = PIPE_SIZE;
  readonly #cell: Cell;
  #open = true;
  #finishing = false;
  // The bytes that have been read since then.
  #finished = 0;
  #referenced = true;
  // The number of ticks that it has been waited for without a thread.
  #ticks = 0;
  #large = false;
  // Full pipes that were read one after the other, and when the last one was.
  #full = 0;
  #fullAt = 0;
  #turn = 0;
  // The last read has emptied the pipe. Another one at once would get the little
  // that the writer has managed meanwhile: waiting for the next turn gets more.
  #drained = false;
  // The writer has filled a pipe since it was last waited for in vain.
  #eager = false;
  #watch: Watch | null = null;
  #wake: (() => void) | null = null;

  /** @param fd The near end; owned from now on. */
  constructor(fd: number) {
    this.#cell = keep({ fd, interest: "read" });
    abandoned.register(this, this.#cell);
  }

  read(view: Uint8Array, patient: boolean): number | Promise<number> {
    // A patient first read does not even look: there is nothing yet. At the end all
    // data has come, so that nothing is waited for.
    const wait = this.#drained && !this.#eager ||
      patient && this.#ticks === 0;
    if (
      this.#finishing ||
      this.#turn < TURN_BUDGET && !wait && !turnIsSpent()
    ) {
      const n = this.#eager ? this.#readSoon(view) : this.readSync(view);
      if (n >= 0) {
        this.#note(n, this.#turn + n, view);
        return n;
      }
    }
    return this.#readLater(view, patient);
  }

  #note(n: number, turn: number, view: Uint8Array): void {
    this.#turn = turn;
    this.#drained = n > 0 && n < view.byteLength;
    if (n >= PIPE_SIZE) this.#eager = true;
  }

  /** Reads without waiting: a count, 0 at the end of the stream, -1 when there is nothing yet. */
  readSync(view: Uint8Array): number {
    if (!this.#open) return 0;
    if (this.#finished >= LARGE_PIPE_SIZE) {
      // More than a pipe holds: a process of no tree still writes to it.
      this.close();
      return 0;
    }
    const n = readNow(this.#cell.fd, view as Uint8Array<ArrayBuffer>);
    if (n > 0) {
      if (this.#finishing) this.#finished += n;
      if (n >= PIPE_SIZE && !this.#large) this.#noteFull();
      return n;
    }
    if (n === -EAGAIN && !this.#finishing) return -1;
    // End of file. An error other than EAGAIN cannot be told from it usefully.
    this.close();
    return 0;
  }

  // The writer has filled the pipe again, and the reader keeps up. For a slow reader,
  // such as one that does something for each line, a larger pipe would delay the end
  // of the stream by all that was written before the writer was ended.
  #noteFull(): void {
    const now = performance.now();
    if (now - this.#fullAt > KEPT_UP_MS) this.#full = 0;
    this.#fullAt = now;
    if (++this.#full < KEPT_UP) return;
    this.#large = true;
    enlarge(this.#cell.fd);
  }

  async #readLater(view: Uint8Array, patient: boolean): Promise<number> {
    for (;;) {
      if (!this.#open) return 0;
      await this.#readable(patient);
      turnBegan();
      this.#full = 0;
      const n = this.readSync(view);
      if (n >= 0) {
        if (n >= BUSY) this.#ticks = Infinity;
        this.#note(n, n, view);
        return n;
      }
    }
  }

  // For a writer that keeps up: it has more before a thread has been woken.
  #readSoon(view: Uint8Array): number {
    for (let i = 0; i < EAGER_READS; i++) {
      const n = this.readSync(view);
      if (n >= 0) return n === 0 ? 0 : this.#gather(view, n);
    }
    this.#eager = false;
    return -1;
  }

  // Adds the bytes written in the meantime: a chunk costs its reader 7 µs, a call 2.
  #gather(view: Uint8Array, first: number): number {
    const most = Math.min(view.byteLength, PIPE_SIZE);
    let n = first;
    while (n < most) {
      const rest = view.subarray(n, most) as Uint8Array<ArrayBuffer>;
      const more = readNow(this.#cell.fd, rest);
      // Nothing, the end, or an error: that of the next read.
      if (more <= 0) break;
      n += more;
    }
    return n;
  }

  #readable(patient: boolean): Promise<void> {
    return new Promise((resolve) => {
      const fired = (): void => {
        this.#ticks = Math.max(this.#ticks, watch.ticks);
        this.#watch = null;
        this.#wake = null;
        resolve();
      };
      const watch: Watch = {
        id: this.#cell.fd,
        interest: "read",
        thread: true,
        ref: this.#referenced,
        patient,
        fired,
        ticks: this.#ticks,
      };
      this.#wake = fired;
      this.#watch = watch;
      reactor().add(watch);
    });
  }

  /** See {@linkcode ByteSource.arrived}. */
  arrived(): boolean {
    if (!this.#open) return true;
    // struct pollfd: int fd; short events, revents
    const pollfd = new Int32Array([this.#cell.fd, POLLIN]);
    return libcWait().poll(new Uint8Array(pollfd.buffer), 1n, 0) > 0;
  }

  finish(): void {
    this.#finishing = true;
    const wake = this.#wake;
    if (wake === null) return;
    reactor().remove(this.#cell.fd, "read");
    wake();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeCell(this.#cell);
    this.#wake?.();
  }

  settled(): Promise<void> | null {
    return reactor().settled();
  }

  ref(): void {
    this.#hold(true);
  }

  unref(): void {
    this.#hold(false);
  }

  #hold(referenced: boolean): void {
    this.#referenced = referenced;
    if (this.#watch === null) return;
    reactor().change(this.#watch, {
      thread: true,
      ref: referenced,
      patient: this.#watch.patient,
    });
  }

  /** The descriptor while it is open, else -1: for poll(2). */
  get fd(): number {
    return this.#open ? this.#cell.fd : -1;
  }
}

/** The writing end of a child's stdin. */
export class PipeSink implements ByteSink {
  readonly #cell: Cell;
  #open = true;
  #large = false;
  #wake: (() => void) | null = null;

  /** @param fd The near end; owned from now on. */
  constructor(fd: number) {
    this.#cell = keep({ fd, interest: "write" });
    abandoned.register(this, this.#cell);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    const written = this.writeSync(chunk);
    if (written < chunk.byteLength) {
      return this.#writeLater(chunk.subarray(written));
    }
  }

  /** Writes as much as the pipe takes at once, within bounds; returns the count. Throws EPIPE's error. */
  writeSync(chunk: Uint8Array): number {
    if (!this.#open) throw posixError("write", 32, { message: CLOSED });
    const size = Math.min(chunk.byteLength, TURN_BUDGET);
    let done = 0;
    while (done < size) {
      const whole = done === 0 && size === chunk.byteLength;
      const rest = whole ? chunk : chunk.subarray(done, size);
      const n = writeNow(this.#cell.fd, rest as Uint8Array<ArrayBuffer>);
      if (n === -EAGAIN && this.#large) break;
      if (n === -EAGAIN) {
        // Full: there is more to come than the reader takes at once.
        this.#large = true;
        enlarge(this.#cell.fd);
        continue;
      }
      if (n < 0) throw posixError("write", -n);
      done += n;
    }
    return done;
  }

  async #writeLater(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.byteLength > 0) {
      await this.#writable();
      rest = rest.subarray(this.writeSync(rest));
    }
  }

  #writable(): Promise<void> {
    return new Promise((resolve) => {
      const fired = (): void => {
        this.#wake = null;
        resolve();
      };
      this.#wake = fired;
      reactor().add({
        id: this.#cell.fd,
        interest: "write",
        thread: true,
        ref: true,
        patient: false,
        fired,
        ticks: 0,
      });
    });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeCell(this.#cell);
    this.#wake?.();
  }

  settled(): Promise<void> | null {
    return reactor().settled();
  }

  /** The descriptor while it is open, else -1: for poll(2). */
  get fd(): number {
    return this.#open ? this.#cell.fd : -1;
  }
}

const CLOSED = "Cannot write to stdin: it is closed";

/** Space for a synchronous read: shared, since nothing keeps a view of it. */
export const SCRATCH: () => Uint8Array<ArrayBuffer> = lazyScratch();

function lazyScratch(): () => Uint8Array<ArrayBuffer> {
  let space: Uint8Array<ArrayBuffer> | null = null;
  return () => space ??= buffer(LARGE_PIPE_SIZE);
}

// Pipes from one child to another. Both ends block, as programs expect of their
// standard streams.

/**
 * Opens a pipe whose ends are for two children.
 *
 * @returns The pipe; both ends close-on-exec.
 * @throws {SystemError} when no descriptor is left.
 */
export function openChildPipe(): ChildPipe {
  const { reading, writing } = openPair();
  const open = [true, true];
  const close = (end: number, fd: number): void => {
    // Once: the number is another file's afterwards.
    if (open[end]) libc().close(fd);
    open[end] = false;
  };
  return {
    reading,
    writing,
    closeReading: () => close(0, reading),
    closeWriting: () => close(1, writing),
  };
}
