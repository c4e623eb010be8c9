/**
 * A pseudo-terminal for a child (pty(7)): the child opens the slave by name, which
 * after setsid makes it the controlling terminal, as its standard streams; this
 * process holds the master.
 *
 * Linux only. On macOS reading without waiting takes `fcntl`, and the size takes
 * `ioctl`: both variadic, see libc.ts.
 *
 * @module
 */

import type { TerminalSize } from "../../backend/native.ts";
import { cString, readCString } from "../../ffi/c_string.ts";
import { buffer } from "../../ffi/pointer.ts";
import { posixError } from "../system/errno.ts";
import {
  DARWIN,
  errno,
  libc,
  libcLinux,
  libcTerminal,
} from "../system/libc.ts";
import { PipeSink, PipeSource } from "./pipe.ts";
import { reactor } from "../wait/reactor.ts";

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
   * that (as GNU programs do at their end): with nobody on the slave the master
   * would be at its end too, and closing it would send the child SIGHUP.
   */
  readonly slave: number;
  /** The slave's path. */
  readonly path: string;
}

/**
 * Opens a pseudo-terminal. The slave belongs to the user that this thread is at
 * the moment: the child must be able to open it.
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

/** What a child on a pseudo-terminal shows. It ends when nobody has the slave open any more. */
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

/** What is typed to a child on a pseudo-terminal. */
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

  /** Closes without a word. */
  hangUp(): void {
    super.close();
  }

  // Ctrl-D ends what the child reads: at the beginning of a line that is the end
  // of file, in the middle of one it takes two. False: not now.
  #typeEnd(): boolean {
    try {
      while (this.#last !== CTRL_D) {
        const next = this.#last === NEWLINE ? CTRL_D : NEWLINE;
        if (super.writeSync(END_OF_FILE) === 0) return false;
        this.#last = next;
      }
    } catch {
      // Nobody is there to read it.
    }
    return true;
  }
}
