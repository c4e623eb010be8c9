/**
 * Which of many children have exited, without a descriptor for each: whatever a
 * process starts gets a copy of all its descriptors, and closes it again at its
 * exec. With 5,000 pidfds a spawn takes twice as long.
 *
 * waitid(2) with `P_ALL` shows a child that has exited; with `WNOWAIT` it stays
 * what it is, whoever it belongs to.
 *
 * @module
 */

import { DARWIN, libc } from "../system/libc.ts";

/** Microtasks from an exit to what is done by those who wait for it. */
export const WAITER_HOPS = 24;

// How many are asked one by one at each turn of the backstop: few, so that a process
// that waits does not wake the threads of its compiler.
const SLICE = 32;

/** One of them. */
interface Child {
  /** Asks it, and takes it out when it has exited. */
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
   * @param look Asks it, and takes it out when it has exited.
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
   * Asks those that have exited, and the newest: a short command. When it is that,
   * the others come after whoever waits for it, who may start the next one: to see
   * that none of 5,000 has exited takes the kernel 160 µs.
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
      // Somebody else's, or one of ours whose tree is being swept: who has exited
      // as well cannot be seen behind it.
      if (child === undefined) return this.#askEach();
      child.look();
    }
  }

  #askEach(): void {
    this.#children.forEach((child) => child.look());
  }

  /**
   * Asks some one by one, and others the next time: whom somebody else has reaped
   * is shown by nothing.
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

// The number of one, or 0.
function exitedChild(): number {
  const failed = waitid(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT) !== 0;
  return failed ? 0 : siginfoPid();
}

// waitid(2): its constants (<sys/wait.h>) and its answer (siginfo_t, <signal.h>).

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
 * @param type `P_PID` or `P_ALL`.
 * @param id The child, for `P_PID`.
 * @param options What about it, and `WNOHANG`: then {@linkcode siginfoPid} is 0
 * when there is nothing.
 * @returns 0, or -1 with errno set.
 */
export function waitid(type: number, id: number, options: number): number {
  siginfo[SI_PID] = 0;
  return libc().waitid(type, id, siginfoBytes, options);
}

/** Whom the last answer is about; 0: about nobody. */
export function siginfoPid(): number {
  return siginfo[SI_PID] as number;
}

/** What has happened to it: `CLD_EXITED` and so on. */
export function siginfoCode(): number {
  return siginfo[SI_CODE] as number;
}

/** Its exit status, or the signal. */
export function siginfoStatus(): number {
  return siginfo[SI_STATUS] as number;
}
