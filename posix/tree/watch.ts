/**
 * Waiting until the last member of a tree has ended. Members other than the
 * leader are not our children, so no SIGCHLD tells of them; their pidfds do
 * (pidfd_open(2): readable when the process ends).
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";
import type { TreeWatch } from "../../backend/native.ts";
import { libcWait } from "../system/libc.ts";
import { Pidfds } from "../signal/signal_process.ts";
import type { ProcStat } from "../system/proc_files.ts";
import { reactor } from "../wait/reactor.ts";
import type { TreeOperations } from "./membership.ts";

// Descriptors spent on one wait; a larger tree is waited for in portions.
const BATCH = 64;
// Between looks where there are no pidfds.
const POLL_MS = 5;
// A killed process is mostly gone sooner than a thread could report it: the wait first
// blocks for so long. The look before it took as long.
const BRIEF_MS = 1;

// Holds the killed members where they are known; or the leader, which must end before
// the tree is empty; or the first members. Empty where there are no pidfds. The caller
// closes it.
function holdSome(tree: TreeOperations, leader: number): Pidfds {
  const killed = tree.livingKilled?.() ?? null;
  if (killed !== null) return killed.share();
  const held = new Pidfds();
  if (leader > 0 && held.hold(leader) === 0) {
    if (held.look(0) > 0) return held;
    // The end of a traced process is reported to its tracer first; nothing tells when
    // it is reported here.
    held.close();
    return new Pidfds();
  }
  const members = tree.someMembers(BATCH);
  for (let i = members.length - 1; i >= 0; i--) {
    if (held.count < BATCH) held.hold((members[i] as ProcStat).pid);
  }
  return held;
}

// Until all have ended or the deadline has passed.
function waitForAll(held: Pidfds, deadline: number): void {
  for (;;) {
    const remaining = Math.ceil(deadline - performance.now());
    if (remaining <= 0 || held.look(Math.min(remaining, 1000)) === 0) return;
  }
}

/**
 * Waits, blocking.
 *
 * @param tree The tree.
 * @param isEmpty The proof of emptiness.
 * @param ms How long at most, in milliseconds.
 * @param leader The leader, our own child, as long as it lives; then 0.
 * @returns Whether the tree became empty.
 */
export function waitForMembers(
  tree: TreeOperations,
  isEmpty: () => boolean,
  ms: number,
  leader: () => number,
): boolean {
  const deadline = performance.now() + ms;
  for (;;) {
    if (isEmpty()) return true;
    if (performance.now() >= deadline) return false;
    const held = holdSome(tree, leader());
    if (held.count === 0) libcWait().poll(null, 0n, POLL_MS);
    else waitForAll(held, deadline);
    held.close();
  }
}

const noLeader = (): number => 0;

/** The same without blocking. */
export class MemberWatch implements TreeWatch {
  readonly #tree: TreeOperations;
  readonly #isEmpty: () => boolean;
  readonly #leader: () => number;
  #cancelled = false;
  #wake: (() => void) | null = null;

  /**
   * @param tree The tree.
   * @param isEmpty The proof of emptiness.
   * @param leader The leader, our own child, as long as it lives; then 0.
   */
  constructor(
    tree: TreeOperations,
    isEmpty: () => boolean,
    leader: () => number = noLeader,
  ) {
    this.#tree = tree;
    this.#isEmpty = isEmpty;
    this.#leader = leader;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#wake?.();
  }

  async wait(ms: number): Promise<boolean> {
    const deadline = performance.now() + ms;
    this.#cancelled = false;
    const killed = this.#tree.livingKilled?.() ?? null;
    if (killed !== null) {
      waitForAll(killed, performance.now() + Math.min(ms, BRIEF_MS));
    }
    for (;;) {
      if (this.#isEmpty()) return true;
      const remaining = deadline - performance.now();
      if (this.#cancelled || remaining <= 0) return false;
      // A member that is left was not among the killed ones: a further kill is due. A
      // wait without a limit waits for it as well.
      if (killed !== null && ms < Infinity && !this.#tree.livingKilled?.()) {
        return false;
      }
      const held = holdSome(this.#tree, this.#leader());
      try {
        await this.#allOf(held, remaining);
      } finally {
        held.close();
      }
      const settled = reactor().settled();
      if (settled !== null) await settled;
    }
  }

  // One after the other: a thread that is woken for each of them would take the
  // time that they need to end.
  async #allOf(held: Pidfds, remaining: number): Promise<void> {
    let watched = -1;
    const forget = (): void => {
      if (watched >= 0) reactor().remove(watched, "exit");
      watched = -1;
    };
    await new Promise<void>((resolve) => {
      const limit = held.count === 0 ? Math.min(POLL_MS, remaining) : remaining;
      const timer = new Timer(limit, resolve);
      const done = (): void => {
        timer.clear();
        resolve();
      };
      this.#wake = done;
      const next = (): void => {
        forget();
        if (held.look(0) === 0) return done();
        watched = held.livingDescriptor();
        reactor().add({
          id: watched,
          interest: "exit",
          thread: true,
          ref: true,
          patient: false,
          ticks: 0,
          fired: next,
        });
      };
      if (held.count > 0) next();
    });
    this.#wake = null;
    forget();
  }
}
