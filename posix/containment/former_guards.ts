/**
 * Isolates of this process that have ended before this one began: the run before
 * a restart of `--watch`, the test file before, a worker. Their guards still end
 * their trees, or have ended them and stay behind as zombies, since both are
 * children of the process, and the isolate that would have reaped them is gone.
 *
 * A guard is recognized by its name, which holds the number of its owner; that its
 * owner has ended, by its pipe: this process has no other end of it any more.
 *
 * @module
 */

import {
  isDead,
  listChildren,
  listNumbers,
  listPids,
  type ProcStat,
  readLink,
  readProcFile,
  readStat,
} from "../system/proc_files.ts";
import { IN_WORKER } from "../system/isolate_end.ts";
import { DARWIN, libc, libcWait } from "../system/libc.ts";
import { P_ALL, waitid, WEXITED, WNOHANG, WNOWAIT } from "../wait/children.ts";
import { limitOf } from "./owner.ts";
import { decodeTag, type OwnerNumbers } from "./tag.ts";

const SIGKILL = 9;

/**
 * How long the first spawn waits for the trees of ended isolates. In a worker these
 * may be those of another one, which has nothing to do with it.
 */
const MAX_WAIT_MS = IN_WORKER ? 1000 : 10_000;
const POLL_MS = 5;

const ROOT_NAME = "killable ";
const INNER_NAME = "killable i";

/**
 * The name of the guard of an owner: 15 bytes at most, as `/proc/<pid>/comm` holds.
 *
 * @param owner The owner.
 * @returns The name.
 */
export function guardName(owner: OwnerNumbers): string {
  return owner.innerOwner === 0
    ? ROOT_NAME + String(owner.root).padStart(6, "0")
    : INNER_NAME + owner.innerOwner;
}

/**
 * Waits until the guards of ended isolates of this process have done their work,
 * so that a new run finds nothing of the last one, its port included. Reaps them,
 * and the ended leaders of their trees.
 *
 * @param own This isolate as an owner; `null` where trees have no tags.
 * @returns What was waited for and did not come, or `""`.
 */
export function awaitFormerGuards(own: OwnerNumbers | null): string {
  // Most processes have no child when they start their first.
  if (DARWIN || !hasChildren()) return "";
  const deadline = performance.now() + MAX_WAIT_MS;
  for (;;) {
    const working = workingGuards(own);
    if (working.length === 0) return "";
    if (performance.now() > deadline) {
      takeOver(working, own);
      return `the trees of a former run of this process have not ended within ${MAX_WAIT_MS} ms`;
    }
    libcWait().poll(null, 0n, POLL_MS);
  }
}

function hasChildren(): boolean {
  return waitid(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT) === 0;
}

// Guards of ended isolates that have not finished; those that have are reaped.
function workingGuards(own: OwnerNumbers | null): ProcStat[] {
  const working: ProcStat[] = [];
  const children = childrenOfProcess();
  for (let i = 0; i < children.length; i++) {
    const child = children[i] as ProcStat;
    if (isDead(child.state)) {
      if (child.name.startsWith(ROOT_NAME)) reapOwner(child, children, own);
    } else if (isGuard(child) && !ownerLives(child.pid)) {
      working[working.length] = child;
    }
  }
  return working;
}

function childrenOfProcess(): ProcStat[] {
  const children: ProcStat[] = [];
  const pids = listChildren(Deno.pid) ?? listPids() ?? [];
  for (let i = 0; i < pids.length; i++) {
    const stat = readStat(pids[i] as number);
    if (stat?.ppid === Deno.pid) children[children.length] = stat;
  }
  return children;
}

// By its command line: it takes its name a moment after its start.
function isGuard({ pid }: ProcStat): boolean {
  return (readProcFile(`/proc/${pid}/cmdline`) ?? "").includes(
    "\0killable-guard\0",
  );
}

// Whether this process still has the writing end of the guard's standard input.
function ownerLives(pid: number): boolean {
  const pipe = readLink(`/proc/${pid}/fd/0`);
  // It may have ended since, or not be readable: then nothing is known.
  if (pipe === null) return true;
  const fds = listNumbers("/proc/self/fd") ?? [];
  for (let i = 0; i < fds.length; i++) {
    if (readLink(`/proc/self/fd/${fds[i]}`) === pipe) return true;
  }
  return fds.length === 0;
}

// A guard that is over has ended all trees of its owner: what the process still
// has of them, it has as zombies.
function reapOwner(
  guard: ProcStat,
  children: readonly ProcStat[],
  own: OwnerNumbers | null,
): void {
  for (let i = 0; i < children.length; i++) {
    const { pid, state } = children[i] as ProcStat;
    if (!isDead(state) || pid === guard.pid) continue;
    if (guard.name === nameOfOwner(pid, own)) reap(pid);
  }
  reap(guard.pid);
}

// The name that the guard of the owner of a tree has, by the tag of a member.
function nameOfOwner(pid: number, own: OwnerNumbers | null): string {
  const limit = limitOf(pid);
  const tag = typeof limit === "bigint" ? decodeTag(limit) : null;
  if (tag === null) return "";
  // In an outer tree its digits are the same for all owners of this process.
  const inner = own !== null && own.innerOwner !== 0;
  const name = guardName({ ...tag, innerOwner: inner ? tag.innerOwner : 0 });
  // Those of this isolate are reaped by itself.
  return own !== null && name === guardName(own) ? "" : name;
}

function reap(pid: number): void {
  libc().wait4(pid, null, WNOHANG, null);
}

// An isolate goes on after its unload (`Deno.exit()` in a test), and its former
// guard would end what it starts from now on: the next one ends both.
function takeOver(
  working: readonly ProcStat[],
  own: OwnerNumbers | null,
): void {
  for (let i = 0; i < working.length; i++) {
    const { pid, name } = working[i] as ProcStat;
    if (own === null || name !== guardName(own)) continue;
    libc().kill(pid, SIGKILL);
    libc().wait4(pid, null, 0, null);
  }
}
