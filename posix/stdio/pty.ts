/**
 * The terminals of a child: a pseudo-terminal of its own, or that of this process,
 * lent to a child in the foreground.
 *
 * A child on a pseudo-terminal (pty(7)) opens the slave by name as its standard
 * streams, which after setsid makes it the controlling terminal; this process holds
 * the master.
 *
 * Pseudo-terminals are for Linux only. On macOS reading without waiting takes `fcntl`, and the size takes
 * `ioctl`: both variadic, see libc.ts.
 *
 * @module
 */

import type { TerminalSize } from "../../backend/native.ts";
import { cString, readCString } from "../../ffi/memory.ts";
import { buffer } from "../../ffi/library.ts";
import { SIGNALS } from "../signal/signal_process.ts";
import { posixError } from "../system/errno.ts";
import {
  DARWIN,
  errno,
  libc,
  libcJobControl,
  libcLinux,
  libcTerminal,
} from "../system/libc.ts";
import { reactor } from "../wait/reactor.ts";
import { PipeSink, PipeSource } from "./pipe.ts";

const O_RDWR = 2;
const O_NOCTTY = 0x100;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;
const F_DUPFD_CLOEXEC = 1030;
const TIOCSWINSZ = 0x5414n;

// VEOF as every new terminal has it (termios(3)).
const CTRL_D = 4;
const NEWLINE = 10;
const END_OF_FILE = new Uint8Array(1).fill(CTRL_D);

/** The master end of a pseudo-terminal. */
export interface Pty {
  /** A descriptor of it, for reading; above 2, close-on-exec. */
  readonly reading: number;
  /** Another one, for writing. */
  readonly writing: number;
  /**
   * The slave, held until the child has exited. A child may close its streams before
   * that (as GNU programs do at their end): once no process has the slave open, the
   * master is at its end too, and closing it would send the child SIGHUP.
   */
  readonly slave: number;
  /** The slave's path. */
  readonly path: string;
}

/**
 * Opens a pseudo-terminal. The slave belongs to the effective user of this thread:
 * the child must be able to open it.
 *
 * @param size Its size.
 * @returns The master.
 * @throws {Deno.errors.NotSupported} on macOS.
 * @throws {SystemError} when the system has none left.
 */
export function openPty(size: TerminalSize): Pty {
  if (DARWIN) {
    throw new Deno.errors.NotSupported(
      "Cannot use 'pty' on macOS: it takes variadic calls that Deno's FFI cannot make there. Run the program through 'script -q /dev/null'",
    );
  }
  const flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  const opened = check(libcTerminal().posix_openpt(flags), "posix_openpt");
  const fds: number[] = [];
  try {
    check(libcTerminal().grantpt(opened), "grantpt");
    check(libcTerminal().unlockpt(opened), "unlockpt");
    const path = slaveName(opened);
    check(setSize(opened, size), "ioctl");
    const slave = fds[0] = openSlave(path);
    const reading = fds[1] = aboveStdio(opened);
    const writing = fds[2] = aboveStdio(opened);
    return { reading, writing, slave, path };
  } catch (error) {
    for (let i = 0; i < fds.length; i++) libc().close(fds[i] as number);
    throw error;
  } finally {
    libc().close(opened);
  }
}

function openSlave(path: string): number {
  const flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  return check(libcLinux().open(cString(path), flags, 0), "open");
}

function check(result: number, syscall: string): number {
  if (result >= 0) return result;
  throw posixError(syscall, errno());
}

// With 0, 1 or 2 closed in this process the first one could have such a number,
// which the child's file actions overwrite.
function aboveStdio(fd: number): number {
  return check(libcLinux().fcntl(fd, F_DUPFD_CLOEXEC, 3n), "fcntl");
}

function slaveName(master: number): string {
  const name = buffer(128);
  // It returns the error number.
  const error = libcTerminal().ptsname_r(master, name, 128n);
  if (error !== 0) throw posixError("ptsname_r", error);
  return readCString(name);
}

// struct winsize (ioctl_tty(2)): rows u16 at 0, columns u16 at 2, pixels unused.
function setSize(master: number, size: TerminalSize): number {
  const words = new Uint16Array(4);
  words[0] = size.rows;
  words[1] = size.columns;
  const bytes = new Uint8Array(words.buffer);
  return libcTerminal().ioctl(master, TIOCSWINSZ, bytes);
}

/** The output of a child on a pseudo-terminal. It ends when no process has the slave open. */
export class PtySource extends PipeSource {
  readonly #sink: PtySink | null;

  /**
   * @param fd The master; owned from now on.
   * @param sink The other descriptor, which has no use when this one is at its end.
   */
  constructor(fd: number, sink: PtySink | null) {
    super(fd);
    this.#sink = sink;
  }

  override readSync(view: Uint8Array): number {
    const n = super.readSync(view);
    if (n === 0) this.#sink?.hangUp();
    return n;
  }

  /** Sets the size; the child's foreground group gets SIGWINCH. */
  resize(size: TerminalSize): void {
    if (this.fd >= 0) check(setSize(this.fd, size), "ioctl");
  }
}

/** The input of a child on a pseudo-terminal. */
export class PtySink extends PipeSink {
  #last = NEWLINE;
  #ending = false;

  override writeSync(chunk: Uint8Array): number {
    const n = super.writeSync(chunk);
    if (n > 0) this.#last = chunk[n - 1] as number;
    return n;
  }

  /** Types the end of file, then closes. */
  override close(): void {
    if (this.fd < 0) return;
    if (this.#typeEnd()) {
      this.hangUp();
    } else if (!this.#ending) {
      // The terminal takes no more until the child has read.
      this.#ending = true;
      this.#closeLater();
    }
  }

  #closeLater(): void {
    // In place of a write that still waits for the same.
    reactor().remove(this.fd, "write");
    reactor().add({
      id: this.fd,
      interest: "write",
      thread: true,
      ref: false,
      patient: false,
      ticks: 0,
      fired: () => {
        this.#ending = false;
        this.close();
      },
    });
  }

  /** Closes without the end of file. */
  hangUp(): void {
    super.close();
  }

  // Ctrl-D ends the input of the child: at the beginning of a line it is the end of
  // file, in the middle of one it takes two. False: not now.
  #typeEnd(): boolean {
    try {
      while (this.#last !== CTRL_D) {
        const next = this.#last === NEWLINE ? CTRL_D : NEWLINE;
        if (super.writeSync(END_OF_FILE) === 0) return false;
        this.#last = next;
      }
    } catch {
      // No process reads it any more.
    }
    return true;
  }
}

// Lending the terminal to a child, as a shell does for a foreground job: the child's
// process group becomes the terminal's foreground group. When the child is stopped or
// has ended, ours becomes it again, with the modes as they were.
//
// Page: "Implementing a Job Control Shell" in the glibc manual; termios(3),
// tcsetpgrp(3).

const O_RDWR_CLOEXEC = 2 | (DARWIN ? 0x100_0000 : 0x8_0000);
const TCSANOW = 0;
const SIG_BLOCK = DARWIN ? 1 : 0;
const SIG_SETMASK = DARWIN ? 3 : 2;
const SIGTTOU = SIGNALS["SIGTTOU"] as number;
const SIGTSTP = SIGNALS["SIGTSTP"] as number;
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

  /** Whether this process's group is in the foreground of it now. */
  get ours(): boolean {
    return this.#fd >= 0 && libc().tcgetpgrp(this.#fd) === libc().getpgrp();
  }

  /** Keeps the modes as they are now, for {@linkcode ForegroundTerminal.restoreModes}. */
  keepModes(): void {
    libcJobControl().tcgetattr(this.#fd, this.#ours);
  }

  /** Sets the modes that were kept, unless the terminal is another group's by now. */
  restoreModes(): void {
    if (this.ours) this.#setModes(this.#ours);
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
   * may be a shell that has handed the terminal on. Any other group is that of the
   * user's shell, or of its foreground job: it keeps the terminal.
   * @param modes Whether the modes are restored.
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
  // The group, because a parent in it that waits for us, such as `deno task`, must
  // stop as well. The kernel gives a signal for the process to its main thread, which
  // this is except in a worker: when the call returns, we have been continued.
  libc().kill(0, SIGTSTP);
}
