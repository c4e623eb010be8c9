/**
 * Members of a tree that have lost its tag (Linux): sudo, su, sshd and login set all
 * resource limits anew, the one with the tag included. They are known by
 *
 * - the mark of the tree in their scheduling slice (`slice.ts`),
 * - the process group or session of the leader, while that number is the leader's,
 * - descent: a child of a member, found by walking down from the members,
 * - having been seen as a member before, by number and start time.
 *
 * A process that shows none of these, and the bits of the detector (`slice.ts`),
 * comes from some tree and has lost its marks: it is of none that can be told, and as
 * long as it lives, it is not proved that a tree which is older than it is empty. The
 * same holds for a process of another user that /proc hides (hidepid, see proc(5)).
 *
 * @module
 */

/** A tree whose members may lose the tag. */
export interface MarkedTree {
  /** Start time below which no process can be a member, in clock ticks since boot. */
  readonly bornTicks: number;
  /** Whether the number of its leader still means the leader, as a group and a session. */
  leadsGroup(): boolean;
}

/** The questions to the system. */
export interface Host {
  /** The mark in the scheduling slice, or 0. */
  markOf(pid: number): number;
  /** getpgid(2); -1 when there is no such process. */
  groupOf(pid: number): number;
  /** getsid(2); -1 when there is no such process. */
  sessionOf(pid: number): number;
  /** Whether the bits of the detector are set. */
  isDetected(pid: number): boolean;
  /** Start time, parent and name; `null` when there is no such process. */
  stat(
    pid: number,
  ): { startTicks: number; ppid: number; name: string; state: string } | null;
  /** Whether the tag of a process is that of another owner; `null` when it has none. */
  isOthers(pid: number): boolean | null;
}

interface Known<Tree> {
  readonly startTicks: number;
  readonly tree: Tree;
}

interface Lost {
  readonly startTicks: number;
  readonly name: string;
  /** Whether it has the tag of another owner. */
  readonly foreign: boolean;
}

// Parents that are gone through to find a tagged one.
const MAX_DEPTH = 64;

/** The untagged members of all trees of this isolate. */
export class Untagged<Tree extends MarkedTree> {
  readonly #host: Host;
  readonly #marks = new Map<number, Tree>();
  readonly #leaders = new Map<number, Tree>();
  readonly #members = new Map<number, Known<Tree>>();
  readonly #lost = new Map<number, Lost>();

  /** @param host The system. */
  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * A tree begins.
   *
   * @param tree The tree.
   * @param leader Its leader.
   * @param mark Its mark, or 0.
   */
  begin(tree: Tree, leader: number, mark: number): void {
    this.#leaders.set(leader, tree);
    if (mark > 0) this.#marks.set(mark, tree);
  }

  /** A tree is empty, or its leader and mark are another tree's from now on. */
  end(tree: Tree, leader: number, mark: number): void {
    if (this.#leaders.get(leader) === tree) this.#leaders.delete(leader);
    if (this.#marks.get(mark) === tree) this.#marks.delete(mark);
    if (this.#members.size === 0) return;
    this.#members.forEach((one, pid) => {
      if (one.tree === tree) this.#members.delete(pid);
    });
  }

  /** Whether a number is that of a leader. */
  hasLeader(pid: number): boolean {
    return this.#leaders.has(pid);
  }

  /**
   * The tree of a process that has no tag of ours.
   *
   * @param pid The process.
   * @param foreign Whether it has the tag of another owner: then its mark proves nothing.
   * @returns The tree, or `null`.
   */
  treeOf(pid: number, foreign: boolean): Tree | null {
    const known = this.#known(pid);
    if (known !== null) return known;
    const tree = this.#byGroup(pid) ?? (foreign ? null : this.#byMark(pid));
    return tree !== null && this.#remember(pid, tree) ? tree : null;
  }

  #known(pid: number): Tree | null {
    const known = this.#members.get(pid);
    if (known === undefined) return null;
    if (this.#host.stat(pid)?.startTicks === known.startTicks) {
      return known.tree;
    }
    this.#members.delete(pid);
    return null;
  }

  #byGroup(pid: number): Tree | null {
    if (this.#leaders.size === 0) return null;
    const tree = this.#leaders.get(pid) ??
      this.#leaders.get(this.#host.groupOf(pid)) ??
      this.#leaders.get(this.#host.sessionOf(pid));
    return tree?.leadsGroup() ? tree : null;
  }

  #byMark(pid: number): Tree | null {
    if (this.#marks.size === 0) return null;
    const tree = this.#marks.get(this.#host.markOf(pid));
    return tree === undefined || this.#isOthers(pid) ? null : tree;
  }

  // Two owners may have chosen the same mark: the first tagged parent tells which of
  // them has set it.
  #isOthers(pid: number): boolean {
    let current = pid;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const parent = this.#host.stat(current)?.ppid ?? 0;
      if (parent <= 1 || parent === Deno.pid) return false;
      const others = this.#host.isOthers(parent);
      if (others !== null) return others;
      current = parent;
    }
    return false;
  }

  #remember(pid: number, tree: Tree): boolean {
    const stat = this.#host.stat(pid);
    if (stat === null || stat.startTicks < tree.bornTicks) return false;
    this.#members.set(pid, { startTicks: stat.startTicks, tree });
    this.#lost.delete(pid);
    return true;
  }

  /**
   * Takes in the child of a member.
   *
   * @param pid The child.
   * @param parent The member.
   * @param tree The tree of the member.
   * @returns Whether it is a member now.
   */
  adopt(pid: number, parent: number, tree: Tree): boolean {
    if (this.#host.stat(pid)?.ppid !== parent) return false;
    return this.#remember(pid, tree);
  }

  /**
   * Looks at a process that is of no tree.
   *
   * @param pid The process.
   * @param foreign Whether it has the tag of another owner.
   * @returns Whether it comes from a tree, of whatever owner, and has lost its marks,
   * so that only descent can tell its tree.
   */
  isLost(pid: number, foreign: boolean = false): boolean {
    if (foreign ? !this.#mayBeNested(pid) : !this.#host.isDetected(pid)) {
      return false;
    }
    const stat = this.#host.stat(pid);
    if (stat === null) return false;
    const { startTicks, name } = stat;
    this.#lost.set(pid, { startTicks, name, foreign });
    return true;
  }

  // An owner that has lost its tag gives its trees one of its own; their mark is ours.
  #mayBeNested(pid: number): boolean {
    return this.#marks.size === 0 || this.#marks.has(this.#host.markOf(pid));
  }

  /**
   * Takes in the lost processes that descend from members.
   *
   * @param found The members; those that are taken in are added.
   * @param adopt Takes the child of a member in.
   * @param seen Called with each that was taken in.
   */
  adoptLost(
    found: Set<number>,
    adopt: (pid: number, parent: number) => boolean,
    seen: (pid: number) => void,
  ): void {
    this.#lost.forEach((_, pid) => {
      // From it up to a member, and down again.
      const line: number[] = [];
      let current = pid;
      while (current > 1 && !found.has(current) && line.length < MAX_DEPTH) {
        line[line.length] = current;
        current = this.#host.stat(current)?.ppid ?? 0;
      }
      if (!found.has(current)) return;
      for (let i = line.length - 1; i >= 0; i--) {
        const child = line[i] as number;
        if (child === Deno.pid || !adopt(child, current)) return;
        found.add(child);
        seen(child);
        current = child;
      }
    });
  }

  /**
   * Why it is not proved that a tree is empty of which no member was found.
   *
   * @param tree The tree.
   * @returns The reason, which names a process, or `null`.
   */
  doubt(tree: Tree): string | null {
    let found: string | null = null;
    this.#lost.forEach(({ startTicks, name, foreign }, pid) => {
      const stat = this.#host.stat(pid);
      if (stat?.startTicks !== startTicks || "ZX".includes(stat.state)) {
        this.#lost.delete(pid);
      } else if (
        found === null && !foreign && startTicks >= tree.bornTicks &&
        !this.#isOthers(pid)
      ) {
        found =
          `process ${pid} (${name}) comes from a tree and has lost its marks: it may be of this one`;
      }
    });
    return found;
  }
}

// Hidden processes: where /proc is mounted with hidepid (proc(5)), a process of another
// user has no limits, parent and command line to be read. What a program with the
// set-user-ID bit has started can be such a one. Session and number are still told,
// by getsid(2).

// Numbers that are gone through; a getsid(2) costs some 0.2 microseconds.
const MAX_HIDDEN_NUMBERS = 65_536;

/** The tree in question, and how its numbers are tested. */
export interface HiddenQuestion {
  /** The lowest number that can be a member's; 0 when numbers have come round. */
  readonly first: number;
  /** The number that was given last; below the first when numbers began anew between them. */
  readonly last: number;
  /** The highest number that is given. */
  readonly max: number;
  /** getsid(2); -1 when there is no such process. */
  readonly sessionOf: (pid: number) => number;
  /** Whether /proc shows nothing of that number. */
  readonly isHidden: (pid: number) => boolean;
}

/**
 * Why it is not proved that a tree is empty where /proc hides processes.
 *
 * A member is in the session that the leader was born in, which is this process's,
 * or in one that a member has begun, which has the number of that member.
 *
 * @param question The tree.
 * @returns The reason, or `null`.
 */
export function hiddenDoubt(
  { first, last, max, sessionOf, isHidden }: HiddenQuestion,
): string | null {
  const count = last < first ? max - first + last : last - first;
  if (first <= 0 || last <= 0 || count > MAX_HIDDEN_NUMBERS) {
    return "/proc hides processes of other users (hidepid), and too many have come since the tree began";
  }
  const isLater = (pid: number) =>
    last < first ? pid >= first || pid <= last && pid > 0 : pid >= first;
  const ours = sessionOf(0);
  for (let n = 0; n <= count; n++) {
    const pid = first + n <= max ? first + n : first + n - max;
    const session = sessionOf(pid);
    if (session !== ours && !isLater(session)) continue;
    // The second question: it may have ended in between.
    if (!isHidden(pid) || sessionOf(pid) < 0) continue;
    return `process ${pid} is hidden by /proc (hidepid): it may be of this tree, as another user`;
  }
  return null;
}
