import { assertEquals } from "@std/assert";
import {
  cgroupLimitReached,
  cgroupUsage,
} from "../../../posix/containment/cgroup.ts";
import {
  ENDED,
  figuresOfStat,
  figuresOfTaskInfo,
  numberOf,
  type ProcessFigures,
  TreeUsage,
  type UsageTable,
} from "../../../posix/usage/tree_usage.ts";
import type { ProcStat } from "../../../posix/system/proc_files.ts";
import { decodeRusage } from "../../../posix/wait/leader.ts";
import { unknownUsage } from "../../../backend/usage.ts";
import { decodeJobUsage } from "../../../windows/usage/accounting.ts";

Deno.test("struct rusage is decoded by the layout of each system", () => {
  const bytes = new Uint8Array(144);
  const view = new DataView(bytes.buffer);
  // deno-fmt-ignore
  const longs = [[0, 2n], [8, 500_000n], [16, 1n], [24, 250_000n], [32, 2048n], [64, 11n], [72, 3n], [88, 4n], [96, 8n], [128, 21n], [136, 22n]] as const;
  for (const [offset, value] of longs) view.setBigInt64(offset, value, true);
  const linux = decodeRusage(view, false);
  assertEquals(linux, {
    source: "rusage",
    userTime: 2500,
    systemTime: 1250,
    memory: 0,
    peakMemory: 2048 * 1024,
    readBytes: 2048,
    writeBytes: 4096,
    minorFaults: 11,
    majorFaults: 3,
    voluntarySwitches: 21,
    involuntarySwitches: 22,
    processes: null,
    totalProcesses: null,
  });
  const darwin = decodeRusage(view, true);
  assertEquals(
    [darwin.userTime, darwin.peakMemory, darwin.readBytes],
    [2500, 2048, null],
  );
});

Deno.test("/proc/<pid>/stat gives times, faults and memory, whatever the name", () => {
  const text =
    "42 (a) b) (c) S 1 42 42 0 -1 4194560 100 20 3 4 50 6 7 8 20 0 1 0 12345 1000000 25 18446744073709551615";
  assertEquals(figuresOfStat(text, 4096), {
    userTime: 570,
    systemTime: 140,
    minorFaults: 120,
    majorFaults: 7,
    memory: 25 * 4096,
    peakMemory: null,
    readBytes: null,
    writeBytes: null,
  });
  assertEquals(figuresOfStat("", 4096), null);
  assertEquals(figuresOfStat("42 (x) S 1", 4096), null);
  assertEquals(numberOf("rchar: 1\nread_bytes: 77\n", "read_bytes"), 77);
  assertEquals(numberOf("VmHWM:\t  1234 kB\n", "VmHWM"), 1234);
  assertEquals(numberOf("x_read_bytes: 77\n", "read_bytes"), null);
});

Deno.test("struct proc_taskinfo is decoded with the machine's unit of time", () => {
  const bytes = new Uint8Array(96);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(8, 5_000_000n, true);
  view.setBigUint64(16, 24_000_000n, true);
  view.setBigUint64(24, 12_000_000n, true);
  view.setInt32(52, 30, true);
  view.setInt32(56, 4, true);
  const figures = figuresOfTaskInfo(bytes, 125 / 3);
  assertEquals([figures.userTime, figures.systemTime], [1000, 500]);
  assertEquals([figures.minorFaults, figures.majorFaults], [26, 4]);
  assertEquals(figures.memory, 5_000_000);
});

const CGROUP: Record<string, string> = {
  "cpu.stat": "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\n",
  "memory.current": "4096\n",
  "memory.peak": "8192\n",
  "memory.stat": "anon 1\npgfault 12\npgmajfault 2\n",
  "memory.events": "low 0\noom 1\noom_kill 0\noom_group_kill 0\n",
  "io.stat": "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2 rios=1\n",
  "pids.events": "max 0\n",
};

Deno.test("the files of a cgroup are its accounts; what is not there is null", () => {
  const usage = cgroupUsage((name) => CGROUP[name] ?? null);
  assertEquals(usage, {
    ...unknownUsage("cgroup"),
    userTime: 3,
    systemTime: 2,
    memory: 4096,
    peakMemory: 8192,
    readBytes: 11,
    writeBytes: 22,
    minorFaults: 10,
    majorFaults: 2,
  });
  assertEquals(cgroupUsage(() => null), unknownUsage("cgroup"));
});

Deno.test("the events of a cgroup tell the limit that was held", () => {
  const reached = (files: Record<string, string>) =>
    cgroupLimitReached((name) => ({ ...CGROUP, ...files })[name] ?? null);
  assertEquals(reached({}), null);
  assertEquals(reached({ "memory.events": "oom 1\noom_kill 2\n" }), "memory");
  assertEquals(reached({ "pids.events": "max 7\n" }), "processes");
  assertEquals(cgroupLimitReached(() => null), null);
});

/** Processes with a parent and a time in milliseconds. */
class Table implements UsageTable {
  readonly times = new Map<number, number>();
  constructor(readonly inherits: boolean) {}
  figures(pid: number): ProcessFigures | null {
    const userTime = this.times.get(pid);
    return userTime === undefined ? null : {
      userTime,
      systemTime: 0,
      minorFaults: 0,
      majorFaults: 0,
      memory: 1000,
      peakMemory: null,
      readBytes: null,
      writeBytes: null,
    };
  }
  proportional(): null {
    return null;
  }
  hasAllDescriptors(): boolean {
    return false;
  }
}

const stat = (pid: number, ppid: number): ProcStat => ({
  pid,
  ppid,
  name: "x",
  state: "S",
  pgrp: 1,
  session: 1,
  startTicks: pid,
});

function tree(inherits = true) {
  const table = new Table(inherits);
  const usage = new TreeUsage(table);
  const look = (members: [number, number, number][]) => {
    table.times.clear();
    for (const [pid, , ms] of members) table.times.set(pid, ms);
    usage.look(members.map(([pid, ppid]) => stat(pid, ppid)), null, false);
    return usage.total(null, "seen");
  };
  return { table, usage, look };
}

Deno.test("a member that was waited for counts once, with its parent", () => {
  const { look } = tree();
  assertEquals(look([[10, 1, 5], [11, 10, 100]]).userTime, 105);
  // Its parent waited for it: its time has moved there.
  assertEquals(look([[10, 1, 110]]).userTime, 110);
});

Deno.test("an orphan that is gone counts with what it was last seen to use", () => {
  const { look } = tree();
  look([[10, 1, 5], [11, 1, 100]]);
  assertEquals(look([[10, 1, 6]]).userTime, 106);
  assertEquals(look([[10, 1, 7]]).userTime, 107);
});

Deno.test("sums never fall: a zombie is nobody's until it is waited for", () => {
  const { look } = tree();
  look([[10, 1, 5], [11, 10, 100]]);
  assertEquals(look([[10, 1, 5]]).userTime, 105);
  const total = look([[10, 1, 108]]);
  assertEquals([total.userTime, total.memory, total.processes], [108, 1000, 1]);
});

Deno.test("the reaped leader counts with its final figures, its orphans besides", () => {
  const { table, usage, look } = tree();
  look([[10, 1, 50], [11, 10, 30], [12, 10, 20]]);
  // The leader waited for 12 and has ended; 11 lives on.
  table.times.delete(10);
  table.times.delete(12);
  usage.leaderReaped(10);
  const final = { ...unknownUsage("rusage"), userTime: 75, systemTime: 0 };
  usage.look([stat(11, 1)], null, false);
  assertEquals(usage.total(final, "seen").userTime, 105);
  table.times.clear();
  usage.look([], null, false);
  const ended = usage.total(final, ENDED);
  assertEquals([ended.userTime, ended.memory, ended.peakMemory], [
    105,
    0,
    3000,
  ]);
});

Deno.test("macOS: who has ended counts with what it was last seen to use, waited for or not", () => {
  const { table, usage, look } = tree(false);
  assertEquals(look([[10, 1, 5], [11, 10, 100], [12, 10, 30]]).userTime, 135);
  // The leader waited for 11, which does not show in its figures.
  assertEquals(look([[10, 1, 6], [12, 10, 30]]).userTime, 136);
  assertEquals(look([[10, 1, 7], [12, 10, 40]]).userTime, 147);
  table.times.delete(10);
  usage.leaderReaped(10);
  // Its final figures include those of 11: not counted a second time.
  const final = (userTime: number) => ({
    ...unknownUsage("rusage"),
    userTime,
    systemTime: 0,
  });
  assertEquals(usage.total(final(107), "seen").userTime, 147);
  // More than was ever seen: the leader's own, and the living one.
  assertEquals(usage.total(final(120), "seen").userTime, 160);
  table.times.clear();
  usage.look([], null, false);
  assertEquals(usage.total(final(120), ENDED).userTime, 160);
});

Deno.test("macOS: a member that was another user for a while counts once", () => {
  const { look } = tree(false);
  assertEquals(look([[10, 1, 5], [11, 10, 100]]).userTime, 105);
  // Its figures are refused.
  assertEquals(look([[10, 1, 5]]).userTime, 105);
  assertEquals(look([[10, 1, 5], [11, 10, 120]]).userTime, 125);
  assertEquals(look([[10, 1, 6]]).userTime, 126);
});

Deno.test("a job's counters are its accounts; counters that are not kept are null", () => {
  const accounting = new Uint8Array(96);
  const limits = new Uint8Array(144);
  assertEquals(decodeJobUsage(accounting, limits), unknownUsage("job"));
  const view = new DataView(accounting.buffer);
  view.setBigInt64(0, 30_000n, true);
  view.setBigInt64(8, 20_000n, true);
  view.setUint32(32, 9, true);
  view.setUint32(36, 4, true);
  view.setBigUint64(48 + 24, 100n, true);
  view.setBigUint64(48 + 32, 200n, true);
  new DataView(limits.buffer).setBigUint64(136, 777n, true);
  assertEquals(decodeJobUsage(accounting, limits), {
    ...unknownUsage("job"),
    userTime: 3,
    systemTime: 2,
    peakMemory: 777,
    readBytes: 100,
    writeBytes: 200,
    minorFaults: 9,
    totalProcesses: 4,
  });
});
