/**
 * Lending the terminal to a child, as a shell does for a foreground job: the
 * child's process group becomes the terminal's foreground group, and ours again
 * when the child is stopped or has ended, with the modes as they were.
 *
 * Page: "Implementing a Job Control Shell" in the glibc manual; termios(3),
 * tcsetpgrp(3).
 *
 * @module
 */

import { cString } from "../../ffi/c_string.ts";
import { buffer } from "../../ffi/pointer.ts";
import { DARWIN, libc, libcJobControl } from "../system/libc.ts";

const O_RDWR_CLOEXEC = 2 | (DARWIN ? 0x100_0000 : 0x8_0000);
const TCSANOW = 0;
const SIG_BLOCK = DARWIN ? 1 : 0;
const SIG_SETMASK = DARWIN ? 3 : 2;
const SIGTTOU = 22;
const SIGTSTP = DARWIN ? 18 : 20;
const SIGSET_SIZE = 128;
// struct termios: 60 bytes on Linux, 72 on macOS.
const TERMIOS_SIZE = 128;

/** The terminal that this process runs on, to be lent to one child. */
export class ForegroundTerminal {
  #fd: number;
  #lent = false;
  // The modes at the last handing over, and those of the stopped child.
  readonly #ours = buffer(TERMIOS_SIZE);
  #theirs: Uint8Array<ArrayBuffer> | null = null;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Opens the controlling terminal.
   *
   * @returns The terminal; `null` when there is none, or another group has it.
   */
  static open(): ForegroundTerminal | null {
    const fd = libcJobControl().open(cString("/dev/tty"), O_RDWR_CLOEXEC);
    if (fd < 0) return null;
    if (libc().tcgetpgrp(fd) === libc().getpgrp()) {
      return new ForegroundTerminal(fd);
    }
    libc().close(fd);
    return null;
  }

  /** Whether the child has it. */
  get lent(): boolean {
    return this.#lent;
  }

  /**
   * Hands it over, with the modes that the child had when it was stopped.
   *
   * @param group The child's process group.
   * @returns False when it is not ours at the moment, since we are in the background,
   * or the group is not of this session: the child has left it.
   */
  lend(group: number): boolean {
    if (this.#lent) return true;
    if (this.#fd < 0 || libc().tcgetpgrp(this.#fd) !== libc().getpgrp()) {
      return false;
    }
    const c = libcJobControl();
    c.tcgetattr(this.#fd, this.#ours);
    if (c.tcsetpgrp(this.#fd, group) !== 0) return false;
    this.#lent = true;
    if (this.#theirs !== null) this.#setModes(this.#theirs);
    return true;
  }

  /**
   * Takes it back.
   *
   * @param isOfChild Whether a process group is one of the child's tree: the child
   * may be a shell that has handed the terminal on. A group that is not, is the
   * user's shell, or what it has in the foreground: it keeps the terminal.
   * @param modes Whether the modes become again what they were.
   */
  takeBack(isOfChild: (group: number) => boolean, modes: boolean): void {
    if (!this.#lent) return;
    this.#lent = false;
    const holder = libc().tcgetpgrp(this.#fd);
    const own = libc().getpgrp();
    if (holder !== own && !isOfChild(holder)) return;
    withoutStop(() => libcJobControl().tcsetpgrp(this.#fd, own));
    if (!modes) return;
    this.#theirs = buffer(TERMIOS_SIZE);
    libcJobControl().tcgetattr(this.#fd, this.#theirs);
    this.#setModes(this.#ours);
  }

  #setModes(modes: Uint8Array<ArrayBuffer>): void {
    withoutStop(() => libcJobControl().tcsetattr(this.#fd, TCSANOW, modes));
  }

  /** Gives up the descriptor. Idempotent. */
  close(): void {
    if (this.#fd >= 0) libc().close(this.#fd);
    this.#fd = -1;
  }
}

// The terminal stops a background process that changes it (SIGTTOU), except a
// thread that blocks the signal: for these calls, this thread does.
function withoutStop(change: () => void): void {
  const set = buffer(SIGSET_SIZE);
  set[(SIGTTOU - 1) >> 3] = 1 << ((SIGTTOU - 1) & 7);
  const before = buffer(SIGSET_SIZE);
  libcJobControl().pthread_sigmask(SIG_BLOCK, set, before);
  try {
    change();
  } finally {
    libcJobControl().pthread_sigmask(SIG_SETMASK, before, null);
  }
}

/**
 * Stops this process and its group, as Ctrl-Z would have if the child shared it;
 * comes back when the user's shell continues it. At once when there is no shell
 * that could: the kernel ignores SIGTSTP in an orphaned group, and so it ignores
 * Ctrl-Z there.
 */
export function stopWithChild(): void {
  // The group, because what waits for us in it, such as `deno task`, must stop as
  // well. The kernel gives a signal for the process to its main thread, which this
  // is unless we are in a worker: when the call is back, we have been continued.
  libc().kill(0, SIGTSTP);
}
