/**
 * What must be as it was after a failure: descriptors, processes, limits and
 * credentials of this process. Looks for itself, with nothing of the library.
 *
 * @module
 */

/** What there is of this process. */
export interface State {
  /** What each descriptor is. */
  readonly descriptors: readonly string[];
  /** Ids, groups, mask, umask and the limit that carries tags. */
  readonly identity: string;
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** How this process is now. */
export function ownState(): State {
  const descriptors: string[] = [];
  let spared = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const link = Deno.readLinkSync(`/proc/self/fd/${name}`);
      // The one that this list is read through is gone by now.
      // The library keeps one descriptor in reserve, of whatever file it was, and
      // /proc/loadavg; this list is read through a third. Deno opens a socket pair
      // with its first signal listener.
      if (link.startsWith("socket:")) continue;
      if (/^\/(proc|sys\/fs\/cgroup)/.test(link) && spared++ < 3) continue;
      descriptors.push(link.replace(/\d+/g, "N"));
    } catch {
      continue;
    }
  }
  const wanted = /^(Uid|Gid|Groups|Umask|SigBlk|SigIgn|CapEff|Max file locks)/;
  const lines = `${read("/proc/thread-self/status")}\n${
    read("/proc/thread-self/limits")
  }`.split("\n").filter((line) => wanted.test(line));
  return { descriptors: descriptors.sort(), identity: lines.join("\n") };
}

/** A process that should not be there, in words. */
export function strangersLeft(marker: string): string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const stat = read(`/proc/${name}/stat`);
    const rest = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const title = read(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim();
    const ours = Number(rest[1]) === Deno.pid;
    if (rest[0] === "Z" && ours) {
      found.push(`zombie ${name} ${stat.slice(0, stat.lastIndexOf(")") + 1)}`);
    } else if (rest[0] !== "Z" && title.includes(marker)) {
      found.push(`${name} in state ${rest[0]}: ${title}`);
    }
  }
  return found;
}

/** How many guards this process has. */
export function guards(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    if (!read(`/proc/${name}/cmdline`).includes("killable-guard")) continue;
    const stat = read(`/proc/${name}/stat`);
    const rest = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(rest[1]) === Deno.pid && rest[0] !== "Z") count++;
  }
  return count;
}

/** Ends what a failed stop left. Never anything else: the marker says whose it is. */
export function clean(marker: string): void {
  for (const line of strangersLeft(marker)) {
    const pid = Number(/^\d+/.exec(line)?.[0] ?? 0);
    if (pid <= 1) continue;
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
}

/** What is in one list and not in the other. */
export function surplus(
  now: readonly string[],
  before: readonly string[],
): string[] {
  const rest = [...before];
  const more: string[] = [];
  for (const one of now) {
    const at = rest.indexOf(one);
    if (at < 0) more.push(one);
    else rest.splice(at, 1);
  }
  return more;
}
