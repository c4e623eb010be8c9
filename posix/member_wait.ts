/**
 * Waiting until the last member of a tree has ended. Members other than the
 * leader are not our children, so no SIGCHLD tells of them; their pidfds do
 * (pidfd_open(2): readable when the process ends).
 *
 * @module
 */

import type { TreeWatch } from "../backend.ts";
import { libc, libcWait } from "./libc.ts";
import type { ProcStat } from "./proc_stat.ts";
import { reactor } from "./reactor.ts";
import { openPidfd } from "./signal_process.ts";
import type { TreeOperations } from "./tree.ts";

// Descriptors spent on one wait; a larger tree is waited for in portions.
const BATCH = 64;
// Between looks where there are no pidfds.
const POLL_MS = 5;
const POLLIN = 1;

// Pidfds of the first members; empty where there are none to be had.
function openBatch(members: readonly ProcStat[]): number[] {
  const fds: number[] = [];
  for (let i = 0; i < members.length && fds.length < BATCH; i++) {
    const fd = openPidfd((members[i] as ProcStat).pid);
    if (fd >= 0) fds.push(fd);
  }
  return fds;
}

function closeAll(fds: readonly number[]): void {
  for (let i = 0; i < fds.length; i++) libc().close(fds[i] as number);
}

/**
 * Waits, blocking.
 *
 * @param tree The tree.
 * @param isEmpty The proof of emptiness.
 * @param ms How long at most, in milliseconds.
 * @returns Whether the tree became empty.
 */
export function waitForMembers(
  tree: TreeOperations,
  isEmpty: () => boolean,
  ms: number,
): boolean {
  const deadline = performance.now() + ms;
  for (;;) {
    if (isEmpty()) return true;
    const remaining = deadline - performance.now();
    if (remaining <= 0) return false;
    const fds = openBatch(tree.someMembers(BATCH));
    if (fds.length === 0) libcWait().poll(null, 0n, POLL_MS);
    else pollAll(fds, deadline);
    closeAll(fds);
  }
}

// Until all have ended or the deadline has passed.
function pollAll(fds: readonly number[], deadline: number): void {
  // struct pollfd (poll(2)): fd i32 at 0, events i16 at 4, revents i16 at 6.
  const set = new Int32Array(fds.length * 2);
  const bytes = new Uint8Array(set.buffer);
  for (let i = 0; i < fds.length; i++) {
    set[i * 2] = fds[i] as number;
    set[i * 2 + 1] = POLLIN;
  }
  let left = fds.length;
  while (left > 0) {
    const remaining = Math.ceil(deadline - performance.now());
    if (remaining <= 0) return;
    const n = libcWait().poll(
      bytes,
      BigInt(fds.length),
      Math.min(remaining, 1000),
    );
    if (n <= 0) continue;
    for (let i = 0; i < fds.length; i++) {
      if ((set[i * 2 + 1] as number) >> 16 === 0) continue;
      // A negative descriptor is passed over by poll(2).
      set[i * 2] = -1;
      set[i * 2 + 1] = POLLIN;
      left--;
    }
  }
}

/** The same without blocking. */
export class MemberWatch implements TreeWatch {
  readonly #tree: TreeOperations;
  readonly #isEmpty: () => boolean;
  #cancelled = false;
  #wake: (() => void) | null = null;

  constructor(tree: TreeOperations, isEmpty: () => boolean) {
    this.#tree = tree;
    this.#isEmpty = isEmpty;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#wake?.();
  }

  async wait(ms: number): Promise<boolean> {
    const deadline = performance.now() + ms;
    this.#cancelled = false;
    for (;;) {
      if (this.#isEmpty()) return true;
      const remaining = deadline - performance.now();
      if (this.#cancelled || remaining <= 0) return false;
      await this.#batch(remaining);
    }
  }

  async #batch(remaining: number): Promise<void> {
    const fds = openBatch(this.#tree.someMembers(BATCH));
    let left = fds.length;
    await new Promise<void>((resolve) => {
      const limit = left === 0 ? Math.min(POLL_MS, remaining) : remaining;
      const timer = limit === Infinity
        ? undefined
        : setTimeout(resolve, Math.min(limit, 0x7fff_ffff));
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#wake = done;
      for (let i = 0; i < fds.length; i++) {
        reactor().add({
          id: fds[i] as number,
          interest: "exit",
          thread: true,
          ref: true,
          patient: false,
          fired: () => {
            if (--left === 0) done();
          },
        });
      }
    });
    this.#wake = null;
    for (let i = 0; i < fds.length; i++) {
      reactor().remove(fds[i] as number, "exit");
    }
    closeAll(fds);
    const settled = reactor().settled();
    if (settled !== null) await settled;
  }
}
