/**
 * Containment by cgroup v2 (cgroups(7)), where this process may make one: every
 * descendant is in it, `cgroup.kill` ends them all at once, `cgroup.events` tells
 * when none is left. The tag of the lineage is there besides, for the guard. The
 * parsers of the cgroup's files and of its place in `/proc` follow below.
 *
 * Opt-in: joining by writing `cgroup.procs` waits for an RCU grace period, some
 * ten milliseconds; only clone into the cgroup (glibc 2.39) is free of it.
 *
 * @module
 */

import type { Containment } from "../../backend/containment.ts";
import {
  type LimitName,
  type Limits,
  type ResourceUsage,
  unknownUsage,
} from "../../backend/usage.ts";
import { cString } from "../../ffi/memory.ts";
import { errnoMeaning, posixError } from "../system/errno.ts";
import { bindErrno, errno, libc, libcCgroup } from "../system/libc.ts";
import { openFile, readProcFile } from "../system/proc_files.ts";
import type { Belongs, LeaderExit, Membership } from "../tree/membership.ts";
import { forgetDirectory, guardDirectory } from "./guard.ts";
import type { Lineage } from "./lineage.ts";

const O_WRONLY_CLOEXEC = 0x80001;
const F_OK = 0;
const W_OK = 2;

// More threads than any process of a tree has on average.
const THREADS_EACH = 256;
let serial = 0;

// Directories that were not empty yet when they were to go: a process that is
// being killed is in its cgroup until it has exited.
const leftover: string[] = [];

function remove(directory: string): boolean {
  return libcCgroup().rmdir(cString(directory)) === 0;
}

function removeLeftover(): void {
  for (let i = leftover.length - 1; i >= 0; i--) {
    if (remove(leftover[i] as string)) leftover.splice(i, 1);
  }
}

function write(file: string, text: string): number {
  const fd = libcCgroup().open(cString(file), O_WRONLY_CLOEXEC, 0);
  if (fd < 0) return errno();
  const bytes = new TextEncoder().encode(text);
  const n = libc().write(fd, bytes, BigInt(bytes.length));
  const error = n < 0 ? errno() : 0;
  libc().close(fd);
  return error;
}

// A new cgroup below ours, or why there can be none.
function makeDirectory(): { directory: string } | { obstacle: string } {
  bindErrno();
  const parent = ownCgroupDirectory(
    readProcFile("/proc/self/mountinfo") ?? "",
    readProcFile("/proc/self/cgroup") ?? "",
  );
  if (parent === null) return { obstacle: "no cgroup v2 hierarchy is mounted" };
  const directory = `${parent}/killable-${Deno.pid}-${++serial}`;
  if (libcCgroup().mkdir(cString(directory), 0o755) !== 0) {
    const why = errnoMeaning(errno());
    return { obstacle: `no cgroup can be made in ${parent}: ${why}` };
  }
  if (libc().access(cString(`${directory}/cgroup.kill`), F_OK) !== 0) {
    remove(directory);
    return { obstacle: "the kernel has no cgroup.kill (Linux 5.14)" };
  }
  return { directory };
}

/**
 * Whether this process can make cgroups.
 *
 * @returns Why not, or `""`.
 */
export function cgroupObstacle(): string {
  const made = makeDirectory();
  if ("obstacle" in made) return made.obstacle;
  remove(made.directory);
  return "";
}

/** The members of one tree, by cgroup. */
export class Cgroup implements Membership {
  readonly report: Containment;
  readonly joinsHeld: boolean;
  #descriptor: number;
  readonly #directory: string;
  readonly #lineage: Lineage;
  #retired = false;
  // The last content of its files: they go with the directory.
  #final: ResourceUsage | null = null;
  #reached: LimitName | null = null;
  readonly #read = (name: string): string | null =>
    readProcFile(`${this.#directory}/${name}`);

  private constructor(directory: string, lineage: Lineage) {
    this.#directory = directory;
    this.#lineage = lineage;
    // A process that loses its tag stays in the cgroup.
    this.report = {
      ...lineage.report,
      mechanism: "cgroup",
      holdsEscapees: true,
    };
    // Born in it (CLONE_INTO_CGROUP), or let in before exec.
    const canBeBorn = libcCgroup().posix_spawnattr_setcgroup_np !== null;
    this.#descriptor = canBeBorn ? openFile(directory) : -1;
    this.joinsHeld = this.#descriptor < 0;
  }

  /** A new cgroup around a lineage, or why there can be none. */
  static create(lineage: Lineage): Cgroup | string {
    removeLeftover();
    const made = makeDirectory();
    if ("obstacle" in made) return made.obstacle;
    const { terms } = lineage;
    if (terms !== null) guardDirectory(made.directory, terms);
    return new Cgroup(made.directory, lineage);
  }

  /**
   * Sets memory and processes where their controllers are enabled here: then the
   * files are there and belong to the user that made the directory.
   */
  limit(limits: Limits): LimitName[] {
    const held: LimitName[] = [];
    const set = (name: LimitName, file: string, value?: number): boolean => {
      if (value === undefined) return false;
      const path = `${this.#directory}/${file}`;
      if (libc().access(cString(path), W_OK) !== 0) return false;
      const error = write(path, String(value));
      if (error !== 0) throw posixError("write", error, {});
      held.push(name);
      return true;
    };
    if (set("memory", "memory.max", limits.memory)) {
      // All of it ends, not the process that the kernel finds the largest; and swap
      // counts as memory where it is accounted.
      write(`${this.#directory}/memory.oom.group`, "1");
      write(`${this.#directory}/memory.swap.max`, "0");
    }
    // It counts threads, so it is only the bound of what can be started between
    // two looks.
    const { processes } = limits;
    set("processes", "pids.max", processes && processes * THREADS_EACH);
    return held;
  }

  usage(): ResourceUsage {
    return this.#final ?? cgroupUsage(this.#read);
  }

  limitReached(): LimitName | null {
    return this.#reached ?? cgroupLimitReached(this.#read);
  }

  beginSpawn(): void {
    this.#lineage.beginSpawn();
  }

  asked(signal: string, pid: number): void {
    this.#lineage.asked(signal, pid);
  }

  endSpawn(pid: number): void {
    this.#lineage.endSpawn(pid);
    // After a failure there may be a second attempt, through a shell.
    if (pid > 0) this.#closeDescriptor();
  }

  get cgroupDescriptor(): number {
    return this.#descriptor;
  }

  #closeDescriptor(): void {
    if (this.#descriptor >= 0) libc().close(this.#descriptor);
    this.#descriptor = -1;
  }

  /** Takes the child in, before it becomes its program. */
  admit(pid: number): void {
    if (!this.joinsHeld) return;
    const error = write(`${this.#directory}/cgroup.procs`, String(pid));
    if (error === 0) return;
    throw posixError("write", error, {
      message:
        `Cannot put process ${pid} into the cgroup '${this.#directory}': ${
          errnoMeaning(error)
        }`,
      pid,
    });
  }

  belongs(pid: number): Belongs {
    const byTag = this.#lineage.belongs(pid);
    if (byTag !== "no" || this.#retired) return byTag;
    const text = readProcFile(`/proc/${pid}/cgroup`);
    if (text === null) return "gone";
    const name = this.#directory.slice(this.#directory.lastIndexOf("/"));
    return text.includes(`${name}\n`) || text.includes(`${name}/`)
      ? "yes"
      : "no";
  }

  quickEmpty(exit: LeaderExit): boolean | null {
    if (this.#populated()) return false;
    return this.#lineage.quickEmpty(exit);
  }

  #populated(): boolean {
    const events = readProcFile(`${this.#directory}/cgroup.events`) ?? "";
    return events.includes("populated 1");
  }

  freeze(frozen: boolean): void {
    write(`${this.#directory}/cgroup.freeze`, frozen ? "1" : "0");
  }

  killAll(): void {
    // A frozen cgroup is thawed by the kernel for this.
    write(`${this.#directory}/cgroup.kill`, "1");
  }

  adopt(pid: number, parent: number): boolean {
    return this.#lineage.adopt(pid, parent);
  }

  adoptLost(
    found: Set<number>,
    seen: (pid: number) => void,
    adopt?: (pid: number, parent: number) => boolean,
  ): boolean {
    return this.#lineage.adoptLost(found, seen, adopt);
  }

  beforeReaping(): void {
    this.#lineage.beforeReaping();
  }

  abandon(): void {
    this.#lineage.abandon();
  }

  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#reached = cgroupLimitReached(this.#read);
    this.#final = cgroupUsage(this.#read);
    this.#lineage.retire();
    this.#closeDescriptor();
    forgetDirectory(this.#directory);
    if (!remove(this.#directory)) leftover.push(this.#directory);
  }
}

// Figures in the files of a cgroup (cgroups(7), Documentation/admin-guide/cgroup-v2):
// pure, tested on every OS.

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

// The place of this process's cgroup v2, from `/proc`: pure, tested on every OS.

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
