/**
 * What the files of a cgroup (cgroups(7), Documentation/admin-guide/cgroup-v2)
 * tell about the use of resources: pure, tested on every OS.
 *
 * @module
 */

import type { LimitName } from "../../backend/limits.ts";
import { type ResourceUsage, unknownUsage } from "../../backend/usage.ts";

/** Reads a file of the cgroup by its name; `null` where there is none. */
export type ReadCgroupFile = (name: string) => string | null;

/**
 * The figures of a cgroup. Controllers that are not enabled in it have no files;
 * CPU time is always there.
 *
 * @param read Its files.
 * @returns The figures.
 */
export function cgroupUsage(read: ReadCgroupFile): ResourceUsage {
  const cpu = keyed(read("cpu.stat"));
  const memory = keyed(read("memory.stat"));
  const io = read("io.stat");
  const faults = memory("pgfault");
  const major = memory("pgmajfault");
  return {
    ...unknownUsage("cgroup"),
    userTime: milliseconds(cpu("user_usec")),
    systemTime: milliseconds(cpu("system_usec")),
    memory: single(read("memory.current")),
    // Linux 5.19.
    peakMemory: single(read("memory.peak")),
    readBytes: sumOf(io, "rbytes"),
    writeBytes: sumOf(io, "wbytes"),
    minorFaults: faults === null ? null : faults - (major ?? 0),
    majorFaults: major,
  };
}

/**
 * The limit that the kernel has held against members.
 *
 * @param read The cgroup's files.
 * @returns The limit, or `null`.
 */
export function cgroupLimitReached(read: ReadCgroupFile): LimitName | null {
  if ((keyed(read("memory.events"))("oom_kill") ?? 0) > 0) return "memory";
  if ((keyed(read("pids.events"))("max") ?? 0) > 0) return "processes";
  return null;
}

function milliseconds(microseconds: number | null): number | null {
  return microseconds === null ? null : microseconds / 1000;
}

function single(text: string | null): number | null {
  return text === null || !/^\d+\s*$/.test(text) ? null : Number(text);
}

// A file of `name number` lines.
function keyed(text: string | null): (name: string) => number | null {
  return (name) => {
    const match = text === null
      ? null
      : new RegExp(`^${name} (\\d+)$`, "m").exec(text);
    return match === null ? null : Number(match[1]);
  };
}

// A file of one line for each device, with `name=number` fields.
function sumOf(text: string | null, name: string): number | null {
  if (text === null) return null;
  const pattern = new RegExp(`\\b${name}=(\\d+)`, "g");
  let sum = 0;
  let match = pattern.exec(text);
  while (match !== null) {
    sum += Number(match[1]);
    match = pattern.exec(text);
  }
  return sum;
}

// Where this process's cgroup v2 is, from `/proc`: pure, tested on every OS.

/**
 * The mount point of the cgroup v2 hierarchy.
 *
 * @param mountinfo `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
 * @returns The mount point and the root of the hierarchy that is mounted there, or `null`.
 */
export function findCgroup2Mount(
  mountinfo: string,
): { point: string; root: string } | null {
  const lines = mountinfo.split("\n");
  for (let i = 0; i < lines.length; i++) {
    // Optional fields end with " - "; behind it stand type, source, options.
    const halves = (lines[i] as string).split(" - ");
    if (halves[1]?.split(" ")[0] !== "cgroup2") continue;
    const fields = (halves[0] as string).split(" ");
    return {
      root: unescape(fields[3] ?? "/"),
      point: unescape(fields[4] ?? ""),
    };
  }
  return null;
}

// Space, tab, newline and backslash stand there as three octal digits.
function unescape(text: string): string {
  return text.replace(
    /\\([0-7]{3})/g,
    (_, digits) => String.fromCharCode(parseInt(digits, 8)),
  );
}

/**
 * The directory of this process's cgroup.
 *
 * @param mountinfo `/proc/self/mountinfo`.
 * @param membership `/proc/self/cgroup` (cgroups(7)): the v2 line is `0::/path`.
 * @returns The directory, or `null` when there is no v2 hierarchy to be seen.
 */
export function ownCgroupDirectory(
  mountinfo: string,
  membership: string,
): string | null {
  const mount = findCgroup2Mount(mountinfo);
  const path = /^0::(\/.*)$/m.exec(membership)?.[1];
  if (mount === null || path === undefined) return null;
  const { point, root } = mount;
  if (root === "/" || !path.startsWith(root)) {
    return path === "/" ? point : point + path;
  }
  return point + path.slice(root.length);
}
