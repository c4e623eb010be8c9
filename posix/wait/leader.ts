/**
 * The leader of a tree: our own child. Its exit is seen without reaping it, so that
 * its process id stays reserved until the tree has been swept; then it is reaped,
 * and its wait status and `struct rusage` are decoded.
 *
 * @module
 */

import type { ExitStatus } from "../../backend/native.ts";
import { signalName, type SignalTable } from "../../backend/signals.ts";
import type { ResourceUsage } from "../../backend/usage.ts";
import { buffer } from "../../ffi/library.ts";
import { openPidfd, SIGNALS } from "../signal/signal_process.ts";
import { ECHILD, ESRCH } from "../system/errno.ts";
import { DARWIN, errno, libc } from "../system/libc.ts";
import {
  CLD_STOPPED,
  P_PID,
  reactor,
  siginfoCode,
  siginfoPid,
  siginfoStatus,
  waitid,
  type Watch,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
} from "./reactor.ts";

// The status of a child that has ended: pure functions, tested on every system.

/** The status of a child that other code has reaped (ECHILD). */
export const LOST: ExitStatus = { code: -1, signal: null, lost: true };

/** The exit with a code. */
export function exited(code: number): ExitStatus {
  return { code, signal: null, lost: false };
}

/** The death by a signal: `128 + n`, as shells and Deno have it. */
export function signalled(number: number, table: SignalTable): ExitStatus {
  return { code: 128 + number, signal: signalName(table, number), lost: false };
}

/**
 * Decodes the status word of wait4(2).
 *
 * @param word The word.
 * @param table The signals of the operating system.
 * @returns How the child ended.
 */
export function decodeWaitStatus(word: number, table: SignalTable): ExitStatus {
  const signal = word & 0x7f;
  return signal === 0 ? exited((word >> 8) & 0xff) : signalled(signal, table);
}

const CLD_EXITED = 1;

/**
 * Decodes `si_code` and `si_status` of waitid(2).
 *
 * @param code `si_code`: CLD_EXITED, CLD_KILLED or CLD_DUMPED.
 * @param status `si_status`: exit code or signal.
 * @param table The signals of the operating system.
 * @returns How the child ended.
 */
export function decodeSiginfo(
  code: number,
  status: number,
  table: SignalTable,
): ExitStatus {
  return code === CLD_EXITED
    ? exited(status & 0xff)
    : signalled(status & 0x7f, table);
}

// The resources that a child has used: `struct rusage` of wait4(2), described in
// getrusage(2). Pure functions, tested on every system.

/** `sizeof(struct rusage)` on 64-bit Linux and macOS. */
export const RUSAGE_SIZE = 144;

// ru_utime 0, ru_stime 16 (tv_sec i64, tv_usec i64; i32 and padding on macOS);
// then longs: ru_maxrss 32, ru_minflt 64, ru_majflt 72, ru_inblock 88,
// ru_oublock 96, ru_nvcsw 128, ru_nivcsw 136.
const UTIME = 0;

const STIME = 16;
const MAXRSS = 32;
const MINFLT = 64;
const MAJFLT = 72;
const INBLOCK = 88;
const OUBLOCK = 96;
const NVCSW = 128;
const NIVCSW = 136;

// Linux counts blocks of this size whatever the file system has.
const BLOCK = 512;

/**
 * Decodes the resources that a reaped child has used, together with those of the
 * descendants that it and its children have waited for.
 *
 * @param view The structure.
 * @param darwin Whether the structure is that of macOS.
 * @returns The figures.
 */
export function decodeRusage(
  view: DataView,
  darwin: boolean,
): ResourceUsage {
  return {
    source: "rusage",
    userTime: time(view, UTIME),
    systemTime: time(view, STIME),
    memory: 0,
    // Kilobytes on Linux, bytes on macOS.
    peakMemory: long(view, MAXRSS) * (darwin ? 1 : 1024),
    // macOS counts operations, not bytes.
    readBytes: darwin ? null : long(view, INBLOCK) * BLOCK,
    writeBytes: darwin ? null : long(view, OUBLOCK) * BLOCK,
    minorFaults: long(view, MINFLT),
    majorFaults: long(view, MAJFLT),
    voluntarySwitches: long(view, NVCSW),
    involuntarySwitches: long(view, NIVCSW),
    processes: null,
    totalProcesses: null,
  };
}

// By halves: every child that ends is counted, and a bigint is an allocation.
function long(view: DataView, offset: number): number {
  return view.getUint32(offset, true) +
    view.getInt32(offset + 4, true) * 2 ** 32;
}

function time(view: DataView, offset: number): number {
  return long(view, offset) * 1000 + view.getInt32(offset + 8, true) / 1000;
}

const statusWord = new Int32Array(1);
const statusBytes = new Uint8Array(statusWord.buffer);
const rusage = buffer(RUSAGE_SIZE);
const rusageView = new DataView(rusage.buffer);

// The reaping and the watching of one child.

// Up to this many children are asked one by one when SIGCHLD comes.
const FEW = 20;
const UNOPENED = -2;

/** One direct child. */
export class Leader {
  readonly pid: number;
  #status: ExitStatus | null = null;
  #exitedAt = Infinity;
  #reaped = false;
  #usage: ResourceUsage | null = null;
  #pidfd = UNOPENED;
  #watch: Watch | null = null;
  #referenced = true;
  #watched = false;
  // Watched as one of many.
  #among = false;
  #stoppedBy = 0;
  // Called when the child was stopped; null when stops are not watched.
  readonly #stopped: (() => void) | null;
  readonly #exited: () => void;
  readonly #look = (): void => {
    this.poll();
  };

  /**
   * @param pid The child; not yet reaped.
   * @param exited Called once, when a watch or a poll has seen the exit.
   * @param stopped Called each time that a watch or a poll has seen it stopped.
   */
  constructor(
    pid: number,
    exited: () => void,
    stopped: (() => void) | null = null,
  ) {
    this.pid = pid;
    this.#exited = exited;
    this.#stopped = stopped;
  }

  /** A pidfd, or -1 where there is none: for poll(2) and the poller. */
  get pidfd(): number {
    // Not for a reaped child: another process may have its id.
    if (this.#pidfd === UNOPENED && this.#status === null) {
      this.#pidfd = openPidfd(this.pid);
    }
    return Math.max(this.#pidfd, -1);
  }

  /** How the child ended, once that has been seen. */
  get status(): ExitStatus | null {
    return this.#status;
  }

  /** When its exit was seen, on the clock of `performance.now()`; Infinity before. */
  get exitedAt(): number {
    return this.#exitedAt;
  }

  /** The resources that the reaped child has used; `null` where other code reaped it. */
  get usage(): ResourceUsage | null {
    return this.#usage;
  }

  /** Whether it is also looked at for stops. */
  get watchesStops(): boolean {
    return this.#stopped !== null;
  }

  /** The signal that it was last seen stopped with, or 0. */
  get stoppedBy(): number {
    return this.#status === null ? this.#stoppedBy : 0;
  }

  /** Whether the child is reaped, so that another process may have its id. */
  get reaped(): boolean {
    return this.#reaped;
  }

  /** Begins to watch for the exit. */
  watch(): void {
    if (this.#status !== null) return;
    // Opened first: it may fail, for want of descriptors.
    reactor();
    this.#watched = true;
    // SIGCHLD comes anyway; few are asked one by one. And only that shows a stop.
    const few = !DARWIN && reactor().polledCount < FEW;
    if (few || this.#stopped !== null) {
      reactor().addPolled(this.#look, this.#referenced);
    } else if (DARWIN) this.#watchKqueue();
    else {
      this.#among = true;
      reactor().addChild(this.pid, this.#look, this.#referenced);
    }
  }

  #watchKqueue(): void {
    this.#watch = {
      id: this.pid,
      interest: "exit",
      thread: false,
      ref: this.#referenced,
      patient: false,
      ticks: 0,
      fired: () => {
        this.#watch = null;
        this.poll();
        // A kqueue event may come slightly before the child can be waited for.
        if (this.#status === null) {
          reactor().addPolled(this.#look, this.#referenced);
        }
      },
    };
    if (!reactor().add(this.#watch)) {
      // ESRCH from kevent: it has just ended.
      this.#watch = null;
      reactor().addPolled(this.#look, this.#referenced);
      this.poll();
    }
  }

  /** Looks whether the child has exited, without reaping it and without waiting. */
  poll(): ExitStatus | null {
    if (this.#status !== null || this.#reaped) return this.#status;
    if (waitid(P_PID, this.pid, WEXITED | WNOHANG | WNOWAIT) !== 0) {
      // Other code has reaped it, or SIGCHLD is ignored: the status is lost.
      if (errno() !== ECHILD) return null;
      this.#status = LOST;
      this.#reaped = true;
    } else if (siginfoPid() === 0) {
      if (this.#stopped !== null) this.#lookForStop(this.#stopped);
      return this.#status;
    } else {
      this.#status = decodeSiginfo(siginfoCode(), siginfoStatus(), SIGNALS);
    }
    this.#exitedAt = performance.now();
    this.#stopWatching();
    this.#exited();
    return this.#status;
  }

  // Each stop is taken once; it leaves the exit alone.
  #lookForStop(stopped: () => void): void {
    for (;;) {
      const rc = waitid(P_PID, this.pid, WSTOPPED | WCONTINUED | WNOHANG);
      if (rc !== 0 || siginfoPid() === 0) return;
      const stop = siginfoCode() === CLD_STOPPED;
      this.#stoppedBy = stop ? siginfoStatus() : 0;
      if (stop) stopped();
    }
  }

  /** Notes that the child is being continued: it is no longer stopped by a signal. */
  continued(): void {
    this.#stoppedBy = 0;
  }

  #stopWatching(): void {
    // A blocking run never watches: it needs no reactor.
    if (this.#watched) {
      if (this.#among) reactor().removeChild(this.pid);
      else reactor().removePolled(this.#look);
      if (DARWIN) reactor().remove(this.pid, "exit");
    }
    this.#watch = null;
    if (this.#pidfd >= 0) libc().close(this.#pidfd);
    this.#pidfd = -1;
  }

  /** Sends a signal, unless the child is reaped; 0 or an error number. */
  signal(number: number): number {
    if (this.#reaped) return ESRCH;
    return libc().kill(this.pid, number) === 0 ? 0 : errno();
  }

  /** Reaps the exited child. From now on another process may get its id. */
  reap(): void {
    if (this.#reaped || this.#status === null) return;
    this.#reaped = true;
    const pid = libc().wait4(this.pid, statusBytes, WNOHANG, rusage);
    if (pid === this.pid) {
      // Decoded again: macOS leaves the signal out of siginfo.
      this.#status = decodeWaitStatus(statusWord[0] as number, SIGNALS);
      this.#usage = decodeRusage(rusageView, DARWIN);
    } else this.#status = LOST;
  }

  /** Whether the living child holds the event loop. */
  hold(referenced: boolean): void {
    this.#referenced = referenced;
    if (this.#status !== null || !this.#watched) return;
    if (this.#among) reactor().addChild(this.pid, this.#look, referenced);
    else if (this.#watch === null) reactor().addPolled(this.#look, referenced);
    else this.#changeWatch(this.#watch, referenced);
  }

  #changeWatch(watch: Watch, referenced: boolean): void {
    reactor().change(watch, {
      thread: false,
      ref: referenced,
      patient: false,
    });
  }
}
