/**
 * Processes that are held by pidfds (pidfd_open(2), Linux 5.3): whoever gets one
 * of their numbers afterwards is not meant.
 *
 * @module
 */

import { libc, libcWait } from "../system/libc.ts";
import { openPidfd, signalPidfd } from "./signal_process.ts";

const POLLIN = 1;

/** Some processes, and who of them lives. */
export class Pidfds {
  readonly #pids: number[] = [];
  readonly #fds: number[] = [];
  #living = 0;
  #users = 1;
  // struct pollfd (poll(2)), 8 bytes: fd i32 at 0, events i16 at 4, revents i16
  // at 6. poll passes over a negative descriptor: one that has ended.
  #set: Int32Array<ArrayBuffer> | null = null;

  /** How many there are. */
  get count(): number {
    return this.#pids.length;
  }

  /**
   * Takes a process in.
   *
   * @param pid Its number.
   * @returns 0, or an error number.
   */
  hold(pid: number): number {
    const fd = openPidfd(pid);
    if (fd < 0) return -fd;
    this.#pids[this.#pids.length] = pid;
    this.#fds[this.#fds.length] = fd;
    this.#living++;
    this.#set = null;
    return 0;
  }

  /** The number of the `index`th. */
  pid(index: number): number {
    return this.#pids[index] as number;
  }

  /** Whether the `index`th had not ended when it was last looked. */
  lives(index: number): boolean {
    return this.#set === null || (this.#set[index * 2] as number) >= 0;
  }

  /**
   * Looks who has ended.
   *
   * @param ms How long to wait, blocking, for one to do so; none when nobody lives.
   * @returns How many live.
   */
  look(ms: number): number {
    if (this.#living === 0) return 0;
    const set = this.#set ??= this.#pollSet();
    const bytes = new Uint8Array(set.buffer);
    if (libcWait().poll(bytes, BigInt(this.count), ms) <= 0) {
      return this.#living;
    }
    for (let i = 0; i < this.count; i++) {
      if ((set[i * 2 + 1] as number) >> 16 === 0) continue;
      set[i * 2] = -1;
      set[i * 2 + 1] = POLLIN;
      this.#living--;
    }
    return this.#living;
  }

  #pollSet(): Int32Array<ArrayBuffer> {
    const set = new Int32Array(this.count * 2);
    for (let i = 0; i < this.count; i++) {
      set[i * 2] = this.#fds[i] as number;
      set[i * 2 + 1] = POLLIN;
    }
    this.#living = this.count;
    return set;
  }

  /** The pidfd of one that lives, of the last taken in; -1 when none does. */
  livingDescriptor(): number {
    for (let i = this.count - 1; i >= 0; i--) {
      if (this.lives(i)) return this.#fds[i] as number;
    }
    return -1;
  }

  /** Sends a signal to the `index`th; 0 or an error number. */
  signal(index: number, signal: number): number {
    return signalPidfd(this.#fds[index] as number, this.pid(index), signal);
  }

  /** The same for one more who closes it. */
  share(): this {
    this.#users++;
    return this;
  }

  /** Lets all of them go, when everybody has who shares it. */
  close(): void {
    if (--this.#users > 0) return;
    for (let i = 0; i < this.count; i++) libc().close(this.#fds[i] as number);
    this.#pids.length = 0;
    this.#fds.length = 0;
    this.#living = 0;
    this.#set = null;
  }
}
