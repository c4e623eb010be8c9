/**
 * The duty of process 1: children that it has not started, orphans of others, are
 * its own when their parents end, and stay zombies until it waits for them. The
 * library does that for the orphans of its own trees; here it is done for all,
 * also for processes that `docker exec` or `kubectl exec` has left behind. Linux only.
 *
 * @module
 */

import { ensureGuard } from "../../posix/containment/guard.ts";
import { libc, libcLinux } from "../../posix/system/libc.ts";
import { listChildrenOf, readStat } from "../../posix/system/proc_files.ts";
import { WNOHANG } from "../../posix/wait/reactor.ts";

const PR_SET_CHILD_SUBREAPER = 36;

// SIGCHLD is not counted: of two at once one may be seen.
const LOOK_AGAIN_MS = 1000;

/**
 * Has the orphans of everything below this process come to this process, as if it
 * were process 1: prctl(2).
 *
 * @returns Whether the kernel does it.
 */
export function becomeSubreaper(): boolean {
  return libcLinux().prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) === 0;
}

/** Waits for orphans until it is disposed of. */
export class Reaper implements Disposable {
  // Children of this process itself: the library waits for these.
  readonly #own: Set<number>;
  readonly #listener = (): void => this.#reap();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #reaped: (pid: number, name: string) => void;

  /**
   * To be made before anything but the guard of the library is started.
   *
   * @param reaped Called for each orphan.
   */
  constructor(reaped: (pid: number, name: string) => void = () => {}) {
    ensureGuard([]);
    this.#own = new Set(children());
    this.#reaped = reaped;
    Deno.addSignalListener("SIGCHLD", this.#listener);
    this.#timer = setInterval(this.#listener, LOOK_AGAIN_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** This child was started here: it is not an orphan. */
  spare(pid: number): void {
    this.#own.add(pid);
  }

  #reap(): void {
    for (const pid of children()) {
      if (this.#own.has(pid)) continue;
      const stat = readStat(pid);
      if (stat?.state !== "Z" || stat.ppid !== Deno.pid) continue;
      if (libc().wait4(pid, null, WNOHANG, null) === pid) {
        this.#reaped(pid, stat.name);
      }
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    Deno.removeSignalListener("SIGCHLD", this.#listener);
  }
}

// Orphans come to the first thread of a process, which is also the one that starts
// children here.
function children(): number[] {
  return listChildrenOf(Deno.pid, Deno.pid) ?? [];
}
