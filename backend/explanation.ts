/**
 * Why a process still lives: the facts that the system tells of it, and the reasons
 * that follow from them.
 *
 * @module
 */

/**
 * The state of a process, as far as it decides how the process reacts to a signal.
 * Made by {@linkcode explain}.
 *
 * @category Trees of other programs
 */
export interface Explanation {
  /** Its process id. */
  readonly pid: number;
  /** Its program, without path. */
  readonly name: string;
  /** Its state, as the system words it: `sleeping`, `uninterruptible`, `zombie` … */
  readonly state: string;
  /** Its parent, or `null` when that cannot be read. */
  readonly parent: { readonly pid: number; readonly name: string } | null;
  /** Its real user id; `null`: not known (macOS). */
  readonly uid: number | null;
  /** Whether this process may send it a signal. */
  readonly maySignal: boolean;
  /** The signals that it ignores; `null`: not known (macOS). */
  readonly ignored: readonly string[] | null;
  /** The signals that its main thread blocks; `null`: not known (macOS). */
  readonly blocked: readonly string[] | null;
  /** The signals that it handles; `null`: not known (macOS). */
  readonly caught: readonly string[] | null;
  /** The signals that it has been sent and has not taken yet; `null`: not known (macOS). */
  readonly pending: readonly string[] | null;
  /** The debugger or tracer that it is attached to, or `null`. */
  readonly tracer: { readonly pid: number; readonly name: string } | null;
  /** The path of its cgroup when that is frozen, or `null`. */
  readonly frozen: string | null;
  /** The function of the kernel that it waits in, where the kernel tells, or `null`. */
  readonly waitsIn: string | null;
  /**
   * Why a signal to end it may have no effect, the weightiest reason first; one
   * sentence each, without a full stop. Empty when no reason is found.
   */
  readonly reasons: readonly string[];
}

// Signals that are sent to end a program.
const ENDING: readonly string[] = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"];

/**
 * The reasons that follow from the facts.
 *
 * @param facts The facts.
 * @returns One sentence each.
 */
export function reasonsOf(facts: Omit<Explanation, "reasons">): string[] {
  const { state, parent, tracer, frozen, waitsIn } = facts;
  const reasons: string[] = [];
  const add = (reason: string): void => {
    reasons[reasons.length] = reason;
  };
  if (state === "zombie") {
    const by = parent === null
      ? "its parent"
      : `${parent.name} (${parent.pid})`;
    add(`it has ended and runs no more; ${by} has not reaped it`);
    return reasons;
  }
  if (!facts.maySignal) {
    const user = facts.uid === null ? "another user" : `user ${facts.uid}`;
    add(`it belongs to ${user}, and this process may not signal it`);
  }
  if (frozen !== null) add(`its cgroup ${frozen} is frozen`);
  if (state === "uninterruptible") {
    const where = waitsIn === null ? "" : ` (in ${waitsIn})`;
    add(
      `it is in an uninterruptible wait${where}, in which no signal has an effect`,
    );
  }
  if (tracer !== null) add(`${tracer.name} (${tracer.pid}) traces it`);
  if (state === "stopped") {
    add("it is stopped, and handles no signal before SIGCONT");
  }
  const named = (list: readonly string[] | null): string =>
    ENDING.filter((name) => list?.includes(name)).join(", ");
  const ignored = named(facts.ignored);
  const blocked = named(facts.blocked);
  const caught = named(facts.caught);
  if (ignored !== "") add(`it ignores ${ignored}`);
  if (blocked !== "") add(`it blocks ${blocked}`);
  if (caught !== "") add(`it handles ${caught} itself`);
  if (facts.pending?.includes("SIGKILL")) add("its SIGKILL is pending");
  return reasons;
}
