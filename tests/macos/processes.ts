/**
 * What libproc and `kill` of macOS tell of a process, from `/proc` of Linux. As
 * xnu does it (`bsd/kern/proc_info.c`, `kern_sig.c`):
 *
 * - zombies only for a caller that asks for zombies, and `getpgid` has none;
 * - the long form and the task of another user's process are refused; here, of the
 *   kernel's threads and of process 1;
 * - a signal to a group of zombies is EPERM.
 *
 * A unique id rises with each process; `births.ts` knows that of the parent.
 *
 * @module
 */

import { type Birth, watchBirths } from "./births.ts";
import { numbersIn, readHidden } from "./hidden_proc.ts";
import { fail, real, taken } from "./real_libc.ts";
import { signalOfLinux } from "./numbers.ts";

const ESRCH = 3;
const EPERM = 1;
const EINVAL = 22;
const SRUN = 2;
const SSTOP = 4;
const SZOMB = 5;
// A tick of the clock of /proc in units of mach_absolute_time.
const NUMERATOR = 125;
const DENOMINATOR = 3;

interface Process {
  readonly name: string;
  readonly state: string;
  readonly ppid: number;
  readonly pgrp: number;
  readonly start: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly pages: number;
}

function processOf(pid: number): Process | null {
  const text = readHidden(`/proc/${pid}/stat`);
  if (text === null || text === "") return null;
  const rest = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (index: number): number => Number(rest[index]);
  const zombie = rest[0] === "Z" && field(17) === 1 || rest[0] === "X";
  return {
    name: text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")),
    state: zombie ? "Z" : rest[0] as string,
    ppid: field(1),
    pgrp: field(2),
    userTicks: field(11),
    systemTicks: field(12),
    start: field(19),
    pages: field(21),
  };
}

let birthOf: (pid: number) => Birth | null = () => null;

/** Begins to note the parent of each fork. */
export function beginProcesses(tools: string): void {
  birthOf = watchBirths(
    tools,
    (name) => {
      const pointer = real.getenv(new TextEncoder().encode(`${name}\0`));
      if (pointer === null) return null;
      return Deno.UnsafePointerView.getCString(pointer);
    },
    (fd, bytes, offset) =>
      Number(real.pread(fd, bytes, BigInt(bytes.length), BigInt(offset))),
    (path) => real.open(new TextEncoder().encode(`${path}\0`), 0x8_0000, 0),
  );
}

function uniqueId(pid: number, start: number): bigint {
  return BigInt(start) * 2n ** 22n + BigInt(pid);
}

function idsOf(pid: number, { start, ppid }: Process): [bigint, bigint] {
  const own = uniqueId(pid, start);
  const birth = birthOf(pid);
  const seen = birth?.start === start ? birth : null;
  const parent = seen?.parent ?? ppid;
  const parentStart = seen?.parentStart ?? processOf(ppid)?.start ?? 0;
  return [own, uniqueId(parent, parentStart)];
}

function isOthers(pid: number, { ppid }: Process): boolean {
  return pid <= 2 || ppid === 2;
}

/** `proc_listallpids`. */
export function listAllPids(list: Uint8Array | null, size: number): number {
  const pids = numbersIn("/proc");
  if (list === null) return pids.length + 20;
  const out = new Int32Array(list.buffer, list.byteOffset, size / 4);
  out.set(pids.slice(0, out.length));
  return Math.min(pids.length, out.length);
}

/** `proc_pidinfo`. */
export function pidInfo(
  pid: number,
  flavor: number,
  argument: bigint,
  bytes: Uint8Array,
  size: number,
): number {
  const one = processOf(pid);
  if (one === null || one.state === "Z" && argument === 0n) {
    fail(ESRCH);
    return 0;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  if (flavor === 17 && size === 56) {
    const [own, parent] = idsOf(pid, one);
    view.setBigUint64(16, own, true);
    view.setBigUint64(24, parent, true);
    return size;
  }
  if (flavor === 13 && size === 64) {
    view.setUint32(0, pid, true);
    view.setUint32(4, one.ppid, true);
    view.setUint32(8, one.pgrp, true);
    const stopped = one.state === "T" ? SSTOP : SRUN;
    view.setUint32(12, one.state === "Z" ? SZOMB : stopped, true);
    bytes.set(new TextEncoder().encode(one.name).subarray(0, 15), 16);
    return size;
  }
  if (isOthers(pid, one)) {
    fail(EPERM);
    return 0;
  }
  if (flavor === 3 && size === 136) {
    const boot = /^btime (\d+)/m.exec(readHidden("/proc/stat") ?? "")?.[1];
    const micros = (Number(boot) + one.start / 100) * 1e6;
    view.setBigUint64(120, BigInt(Math.floor(micros / 1e6)), true);
    view.setBigUint64(128, BigInt(Math.floor(micros % 1e6)), true);
    return size;
  }
  // A zombie has no task any more.
  if (flavor !== 4 || size !== 96 || one.state === "Z") {
    fail(EINVAL);
    return 0;
  }
  const time = (ticks: number): bigint =>
    BigInt(Math.floor(ticks * 1e7 / NUMERATOR * DENOMINATOR));
  view.setBigUint64(8, BigInt(one.pages * 4096), true);
  view.setBigUint64(16, time(one.userTicks), true);
  view.setBigUint64(24, time(one.systemTicks), true);
  return size;
}

/** `mach_timebase_info`. */
export function timebase(bytes: Uint8Array): number {
  new Uint32Array(bytes.buffer).set([NUMERATOR, DENOMINATOR]);
  return 0;
}

/** `sysctl`, of KERN_PROCARGS2 alone. */
export function sysctl(
  name: Uint8Array,
  count: number,
  bytes: Uint8Array,
  size: Uint8Array,
): number {
  const [kern, what, pid] = new Int32Array(name.buffer);
  const text = readHidden(`/proc/${pid}/cmdline`) ?? "";
  if (count !== 3 || kern !== 1 || what !== 49 || text === "") {
    return fail(EINVAL);
  }
  const path = text.split("\0", 1)[0];
  const told = new TextEncoder().encode(`${path}\0\0\0${text}PATH=/bin\0`);
  new DataView(bytes.buffer).setInt32(0, text.split("\0").length - 1, true);
  bytes.set(told, 4);
  new BigUint64Array(size.buffer)[0] = BigInt(told.length + 4);
  return 0;
}

/** `getpgid`. */
export function getpgid(pid: number): number {
  return processOf(pid)?.state === "Z" ? fail(ESRCH) : taken(real.getpgid(pid));
}

/** `kill` of one process. */
export function kill(pid: number, signal: number): number {
  return taken(real.kill(pid, signalOfLinux(signal)));
}

/** `killpg`. */
export function killpg(pgid: number, signal: number): number {
  const members = numbersIn("/proc").map(processOf).filter((one) =>
    one?.pgrp === pgid
  );
  if (members.length > 0 && members.every((one) => one?.state === "Z")) {
    return fail(EPERM);
  }
  return taken(real.killpg(pgid, signalOfLinux(signal)));
}

/** Whether there is none with this number but perhaps a zombie. */
export function isOver(pid: number): boolean {
  const one = processOf(pid);
  return one === null || one.state === "Z";
}
