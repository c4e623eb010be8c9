/**
 * The processes that there are, told by something other than the library. Linux only.
 *
 * As root with a cgroup v2 hierarchy: a cgroup that nothing else uses. Nothing in
 * it can leave it. Otherwise: a marker in a process's arguments, environment or
 * working directory; one of the three is left even of a program that overwrote
 * its title and its environment, where it works in a directory of the test's.
 *
 * @module
 */

/** A process that is no zombie. */
export interface Member {
  readonly pid: number;
  readonly ppid: number;
  readonly name: string;
}

/** How to look, in a form that another process can be given. */
export interface ObserverPlan {
  readonly kind: "cgroup" | "marker";
  /** The cgroup's directory, or the marker. */
  readonly key: string;
}

const UNIFIED = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/** Makes a cgroup that nothing else uses; where that cannot be, a marker. */
export function planObserver(marker: string): ObserverPlan {
  for (const root of UNIFIED) {
    try {
      Deno.statSync(`${root}/cgroup.procs`);
      const key = `${root}/${marker}`;
      Deno.mkdirSync(key);
      return { kind: "cgroup", key };
    } catch {
      // Not mounted there, or not ours to use.
    }
  }
  return { kind: "marker", key: marker };
}

/** Arguments for a shell that puts itself under observation and becomes a program. */
export function observedArgs(plan: ObserverPlan, argv: string[]): string[] {
  const join = plan.kind === "cgroup"
    ? `echo $$ >'${plan.key}/cgroup.procs' && `
    : "";
  return ["-c", `${join}exec "$@"`, "sh", ...argv];
}

/**
 * Every process under observation, at this moment. What was listed and has gone since
 * may have started another one, as a chain of forks does: then it looks again.
 */
export function observe(plan: ObserverPlan): Member[] {
  for (let look = 1;; look++) {
    const members: Member[] = [];
    let gone = false;
    for (const pid of listed(plan)) {
      const member = statOf(pid);
      if (member === null) gone = true;
      else if (!"ZX".includes(member.state)) members.push(member);
    }
    if (members.length > 0 || !gone || look === 100) return members;
  }
}

function listed(plan: ObserverPlan): number[] {
  if (plan.kind === "marker") {
    return allPids().filter((pid) => isMarked(pid, plan.key));
  }
  return read(`${plan.key}/cgroup.procs`).split("\n").filter(Boolean).map(
    Number,
  );
}

/** Ends every process under observation, without the library, and forgets the cgroup. */
export async function clear(plan: ObserverPlan): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const members = observe(plan);
    if (members.length === 0 && removed(plan)) return;
    if (performance.now() > deadline) {
      throw new Error(`Cannot end ${JSON.stringify(members)}`);
    }
    if (plan.kind === "cgroup") write(`${plan.key}/cgroup.kill`, "1");
    else for (const { pid } of members) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function removed(plan: ObserverPlan): boolean {
  if (plan.kind === "marker") return true;
  try {
    Deno.removeSync(plan.key);
    return true;
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  if (pid === Deno.pid) return;
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

function isMarked(pid: number, marker: string): boolean {
  if (pid === Deno.pid) return false;
  return read(`/proc/${pid}/cmdline`).includes(marker) ||
    read(`/proc/${pid}/environ`).includes(marker) ||
    link(`/proc/${pid}/cwd`).includes(marker);
}

/** State, parent and name of a process; `null` when there is none. */
export function statOf(pid: number): (Member & { state: string }) | null {
  const text = read(`/proc/${pid}/stat`);
  const end = text.lastIndexOf(")");
  if (end < 0) return null;
  const rest = text.slice(end + 2).split(" ");
  const name = text.slice(text.indexOf("(") + 1, end);
  return { pid, name, state: rest[0]!, ppid: Number(rest[1]) };
}

/** All process ids. */
export function allPids(): number[] {
  const pids: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (/^\d+$/.test(name)) pids.push(Number(name));
  }
  return pids;
}

// Empty for what is gone, or another user's.
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** What a link points to; empty when it cannot be read. */
export function link(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

function write(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text);
  } catch {
    // The cgroup is gone, or has no cgroup.kill: its members are killed one by one.
    const procs = path.replace(/kill$/, "procs");
    for (const pid of read(procs).split("\n").filter(Boolean)) {
      kill(Number(pid));
    }
  }
}
