/**
 * Children of this process that it did not start as leaders (Linux): children of its
 * other threads, orphans of its trees where these come to it (process 1 of a pid
 * namespace, and a subreaper, see PR_SET_CHILD_SUBREAPER in prctl(2)), and children
 * that a leader makes for it (CLONE_PARENT in clone(2)).
 *
 * Nothing else reaps such orphans; the children of `Deno.Command` are Deno's to reap.
 *
 * @module
 */

import { addressOf } from "../../ffi/library.ts";
import { libc, libcLinux, libcWait } from "../system/libc.ts";
import {
  listChildrenOf,
  listThreads,
  readLink,
  readStat,
} from "../system/proc_files.ts";
import { WNOHANG } from "../wait/reactor.ts";

/**
 * The child of this process that a process descends from without the leader's being
 * in between.
 *
 * @param pid The process.
 * @param leader The leader.
 * @returns The child, or 0 when there is none.
 */
export function childOfHost(pid: number, leader: number): number {
  let current = pid;
  for (
    let depth = 0;
    depth < 32 && current > 1 && current !== leader;
    depth++
  ) {
    const stat = readStat(current);
    if (stat === null) return 0;
    if (stat.ppid === Deno.pid) return current;
    current = stat.ppid;
  }
  return 0;
}

/**
 * Whether a child of this process is none of a leader's: it is in our process group,
 * and the leader is not; or another thread than this one has forked it. What the
 * leader forks with CLONE_PARENT is this thread's child, and an orphan that comes to
 * us the first thread's.
 *
 * @param child The child.
 * @param leader The leader.
 * @returns False also when it cannot be told.
 */
export function isForkedElsewhere(child: number, leader: number): boolean {
  const c = libcWait();
  const group = c.getpgid(0);
  if (c.getpgid(child) === group && c.getpgid(leader) !== group) return true;
  const self = Number(/\d+$/.exec(readLink("/proc/thread-self") ?? "")?.[0]);
  const threads = listThreads(Deno.pid) ?? [];
  for (let i = 0; i < threads.length; i++) {
    const thread = threads[i] as number;
    if (!listChildrenOf(Deno.pid, thread)?.includes(child)) continue;
    return thread !== self && (thread !== Deno.pid || !adoptsOrphans());
  }
  return false;
}

const PR_GET_CHILD_SUBREAPER = 37;
const answer = new Int32Array(new ArrayBuffer(4));
let answerAddress = 0n;

function adoptsOrphans(): boolean {
  if (Deno.pid === 1) return true;
  answerAddress ||= addressOf(answer);
  libcLinux().prctl(PR_GET_CHILD_SUBREAPER, answerAddress, 0n, 0n, 0n);
  return answer[0] !== 0;
}

// Whether a leader has made children for this process.
let siblings = false;

/** A leader has made a child for this process: clone(2), CLONE_PARENT. */
export function noteSibling(): void {
  siblings = true;
}

// Zombies that were found to be of no tree of ours, with their start times: it may be
// that nothing reaps them, and to judge each anew at each exit would take all the time there is.
let strangers = new Map<number, number>();

/**
 * Reaps orphans that have come to this process and ended.
 *
 * @param isOurs Whether a zombie child was a member of one of our trees, and is no
 * leader. It is asked once for each.
 */
export function reapOrphans(isOurs: (pid: number) => boolean): void {
  if (!siblings && !adoptsOrphans()) return;
  const judged = new Map<number, number>();
  const threads = listThreads(Deno.pid) ?? [];
  for (let i = 0; i < threads.length; i++) {
    const children = listChildrenOf(Deno.pid, threads[i] as number) ?? [];
    for (let k = 0; k < children.length; k++) {
      const pid = children[k] as number;
      const stat = readStat(pid);
      if (stat?.state !== "Z") continue;
      if (strangers.get(pid) !== stat.startTicks && isOurs(pid)) {
        libc().wait4(pid, null, WNOHANG, null);
      } else {
        judged.set(pid, stat.startTicks);
      }
    }
  }
  strangers = judged;
}

// Looks at every exit take at most this part of the time.
const SHARE = 0.1;

let reaping: (() => void) | null = null;
let pause: ReturnType<typeof setTimeout> | null = null;

function reapAndPause(): void {
  if (pause !== null) return;
  const began = performance.now();
  reaping?.();
  const quiet = (performance.now() - began) / SHARE;
  // Most looks are over within a millisecond, and need no pause.
  if (quiet < 10) return;
  pause = setTimeout(() => {
    pause = null;
    // For the exits in the meantime.
    reapAndPause();
  }, quiet);
  Deno.unrefTimer(pause);
}

/**
 * Has a function called when a child of this process has exited, where orphans come
 * to it: a server that double-forks all the time must not leave a zombie each time.
 *
 * @param reap The function.
 */
export function watchOrphans(reap: () => void): void {
  if (reaping !== null || !adoptsOrphans()) return;
  reaping = reap;
  Deno.addSignalListener("SIGCHLD", reapAndPause);
}

/** No tree is left. */
export function unwatchOrphans(): void {
  if (reaping === null) return;
  reaping = null;
  Deno.removeSignalListener("SIGCHLD", reapAndPause);
  if (pause !== null) clearTimeout(pause);
  pause = null;
}
