/**
 * Which of many children have exited, without a descriptor for each: whatever a
 * process starts gets a copy of all its descriptors, and closes it again at its
 * exec. With 5,000 pidfds a spawn takes twice as long.
 *
 * waitid(2) with `P_ALL` shows a child that has exited; with `WNOWAIT` the child
 * stays a zombie, for the code that it belongs to.
 *
 * @module
 */

import { DARWIN, libc } from "../system/libc.ts";

/** Microtasks from an exit until the code that waited for it has run on. */
export const WAITER_HOPS = 24;

// How many are asked one by one at each turn of the backstop: few, so that a process
// that waits does not wake the threads of its compiler.
const SLICE = 32;

/** One of them. */
interface Child {
  /** Asks the kernel about it, and takes it out when it has exited. */
  readonly look: () => void;
  /** Whether it holds the event loop. */
  readonly ref: boolean;
}

/** Children by their numbers. */
export class Children {
  readonly #children = new Map<number, Child>();
  // Where the next slice begins.
  #slice: Iterator<Child> | null = null;
  #refs = 0;
  #newest = 0;

  /** How many there are. */
  get count(): number {
    return this.#children.size;
  }

  /** How many of them hold the event loop. */
  get refs(): number {
    return this.#refs;
  }

  /**
   * Adds one, or changes whether it holds the event loop.
   *
   * @param pid The child, not yet reaped.
   * @param look Asks the kernel about it, and takes it out when it has exited.
   * @param ref Whether it holds the event loop.
   */
  add(pid: number, look: () => void, ref: boolean): void {
    this.remove(pid);
    this.#children.set(pid, { look, ref });
    if (ref) this.#refs++;
    this.#newest = pid;
  }

  /** Forgets one. */
  remove(pid: number): void {
    if (this.#children.get(pid)?.ref) this.#refs--;
    this.#children.delete(pid);
  }

  /**
   * Looks at the children that have exited, and first at the newest: a short
   * command. If it has exited, the code that waits for it runs before the others
   * are looked at, since it may start the next command: to see that none of 5,000
   * children has exited takes the kernel 160 µs.
   */
  look(): void {
    this.#children.get(this.#newest)?.look();
    if (this.#children.has(this.#newest)) this.#lookAtAll();
    else if (this.#children.size > 0) this.#lookLater();
  }

  async #lookLater(): Promise<void> {
    for (let hop = 0; hop < WAITER_HOPS; hop++) await null;
    this.#lookAtAll();
  }

  #lookAtAll(): void {
    let last = 0;
    while (this.#children.size > 0) {
      const pid = exitedChild();
      if (pid === 0 || pid === last) return;
      last = pid;
      const child = this.#children.get(pid);
      // A child of other code, or one of ours whose tree is being swept. It hides
      // the other children that have exited.
      if (child === undefined) return this.#askEach();
      child.look();
    }
  }

  #askEach(): void {
    this.#children.forEach((child) => child.look());
  }

  /**
   * Asks some one by one, and others the next time: nothing announces a child that
   * other code has reaped.
   */
  askSome(): void {
    for (let i = 0; i < SLICE; i++) {
      this.#slice ??= this.#children.values();
      const { done, value } = this.#slice.next();
      if (done) {
        this.#slice = null;
        return;
      }
      value.look();
    }
  }
}

// The process id of a child that has exited, or 0.
function exitedChild(): number {
  const failed = waitid(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT) !== 0;
  return failed ? 0 : siginfoPid();
}

// waitid(2): its constants (<sys/wait.h>) and its result (siginfo_t, <signal.h>).

export const P_ALL = 0;
export const P_PID = 1;
export const WNOHANG = 1;
export const WSTOPPED: number = DARWIN ? 8 : 2;
export const WEXITED = 4;
export const WCONTINUED: number = DARWIN ? 0x10 : 8;
export const WNOWAIT: number = DARWIN ? 0x20 : 0x0100_0000;
export const CLD_STOPPED = 5;

// siginfo_t: si_code 8 on both; si_pid 16, si_status 24 on Linux (64 bit);
// si_pid 12, si_status 20 on macOS. 128 bytes hold either.
const siginfo = new Int32Array(32);

const siginfoBytes = new Uint8Array(siginfo.buffer);
const SI_CODE = 2;
const SI_PID = DARWIN ? 3 : 4;
const SI_STATUS = DARWIN ? 5 : 6;

/**
 * Calls waitid(2); the `siginfo…` functions read its result.
 *
 * @param type `P_PID` or `P_ALL`.
 * @param id The child, for `P_PID`.
 * @param options The events to look for. With `WNOHANG`, {@linkcode siginfoPid} is 0
 * when there is none.
 * @returns 0, or -1 with errno set.
 */
export function waitid(type: number, id: number, options: number): number {
  siginfo[SI_PID] = 0;
  return libc().waitid(type, id, siginfoBytes, options);
}

/** The process that the last result is about; 0 when there was none. */
export function siginfoPid(): number {
  return siginfo[SI_PID] as number;
}

/** The event: `CLD_EXITED` and so on. */
export function siginfoCode(): number {
  return siginfo[SI_CODE] as number;
}

/** The exit status, or the number of the signal. */
export function siginfoStatus(): number {
  return siginfo[SI_STATUS] as number;
}
