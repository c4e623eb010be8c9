/**
 * The leader of a tree: our own child. Seen to exit without being reaped, so
 * that its number stays ours until the tree has been swept; then reaped.
 *
 * @module
 */

import type { ExitStatus } from "../../backend/native.ts";
import type { ResourceUsage } from "../../backend/usage.ts";
import { buffer } from "../../ffi/pointer.ts";
import { openPidfd, SIGNALS } from "../signal/signal_process.ts";
import { ECHILD, ESRCH } from "../system/errno.ts";
import { DARWIN, errno, libc } from "../system/libc.ts";
import { reactor, type Watch } from "./reactor.ts";
import {
  decodeRusage,
  decodeSiginfo,
  decodeWaitStatus,
  LOST,
  RUSAGE_SIZE,
} from "./status.ts";
import {
  CLD_STOPPED,
  P_PID,
  siginfoCode,
  siginfoPid,
  siginfoStatus,
  waitid,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
} from "./waitid.ts";

const statusWord = new Int32Array(1);
const statusBytes = new Uint8Array(statusWord.buffer);
const rusage = buffer(RUSAGE_SIZE);
const rusageView = new DataView(rusage.buffer);

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
  // Called when the child was stopped; null: nobody asks.
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
    // Not for a reaped child: the number may be somebody else's.
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

  /** What the reaped child has used; `null` where somebody else reaped it. */
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

  /** Whether its number may already be somebody else's. */
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
      // Somebody else reaped it, or SIGCHLD is ignored: the status is lost.
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

  /** It is being continued: what it was stopped by is over. */
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

  /** Sends a signal, unless the number is no longer ours; 0 or an error number. */
  signal(number: number): number {
    if (this.#reaped) return ESRCH;
    return libc().kill(this.pid, number) === 0 ? 0 : errno();
  }

  /** Reaps the exited child. From now on its number is not ours. */
  reap(): void {
    if (this.#reaped || this.#status === null) return;
    this.#reaped = true;
    const pid = libc().wait4(this.pid, statusBytes, WNOHANG, rusage);
    if (pid === this.pid) {
      // The whole truth: macOS leaves the signal out of siginfo.
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
