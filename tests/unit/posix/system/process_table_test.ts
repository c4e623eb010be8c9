import { assertEquals } from "@std/assert";
import {
  Kinship,
  KinshipGroup,
} from "../../../../posix/containment/process_group.ts";
import {
  type LibprocCalls,
  libprocTable,
  parseArguments,
} from "../../../../posix/system/process_table.ts";
import type { ProcessTable } from "../../../../posix/system/proc_files.ts";
import { ProcessTree } from "../../../../posix/tree/tree.ts";

const SHORT = 13;
const UNIQUE = 17;
const LONG = 3;
const SIZES: Record<number, number> = {
  [SHORT]: 64,
  [UNIQUE]: 56,
  [LONG]: 136,
};
const SZOMB = 5;
const ME = 501;

interface Process {
  ppid: number;
  pgid: number;
  unique: number;
  parentUnique: number;
  status?: number;
  uid?: number;
  name?: string;
}

/**
 * What the kernel of macOS does when it is asked for a process
 * (`bsd/kern/proc_info.c` of xnu): zombies only for a caller that says so, and the long form
 * only to the process's own user.
 */
class Xnu implements LibprocCalls {
  readonly processes = new Map<number, Process>();
  readonly arguments = new Map<number, Uint8Array>();

  readonly proc_listallpids = (
    list: AllowSharedBufferSource | null,
    size: number,
  ): number => {
    const pids = [...this.processes.keys()];
    if (list === null) return pids.length + 20;
    const out = new Int32Array((list as Uint8Array).buffer as ArrayBuffer);
    pids.slice(0, size / 4).forEach((pid, i) => out[i] = pid);
    return Math.min(pids.length, size / 4);
  };

  readonly proc_pidinfo = (
    pid: number,
    flavor: number,
    argument: bigint,
    bytes: AllowSharedBufferSource | null,
    size: number,
  ): number => {
    const one = this.processes.get(pid);
    if (one === undefined || one.status === SZOMB && argument === 0n) return 0;
    if (flavor === LONG && (one.uid ?? ME) !== ME) return 0;
    const out = new DataView((bytes as Uint8Array).buffer);
    if (size < (SIZES[flavor] ?? Infinity)) return 0;
    if (flavor === UNIQUE) {
      out.setBigUint64(16, BigInt(one.unique), true);
      out.setBigUint64(24, BigInt(one.parentUnique), true);
    } else if (flavor === SHORT) {
      out.setUint32(0, pid, true);
      out.setUint32(4, one.ppid, true);
      out.setUint32(8, one.pgid, true);
      out.setUint32(12, one.status ?? 2, true);
      const name = new TextEncoder().encode(one.name ?? `p${pid}`);
      new Uint8Array(out.buffer).set(name.subarray(0, 16), 16);
    } else {
      out.setBigUint64(120, 1_700_000_000n, true);
      out.setBigUint64(128, 250_000n, true);
    }
    return SIZES[flavor] as number;
  };

  readonly sysctl = (
    name: AllowSharedBufferSource | null,
    count: number,
    bytes: AllowSharedBufferSource | null,
    size: AllowSharedBufferSource | null,
  ): number => {
    const [kern, what, pid] = new Int32Array((name as Uint8Array).buffer);
    const told = this.arguments.get(pid as number);
    if (count !== 3 || kern !== 1 || what !== 49 || told === undefined) {
      return -1;
    }
    (bytes as Uint8Array).set(told);
    new BigUint64Array((size as Uint8Array).buffer)[0] = BigInt(told.length);
    return 0;
  };

  add(pid: number, process: Process): this {
    this.processes.set(pid, process);
    return this;
  }

  get table(): ProcessTable {
    return libprocTable(() => this);
  }
}

function leaderAndStrangers(): Xnu {
  return new Xnu()
    .add(1, { ppid: 0, pgid: 1, unique: 1, parentUnique: 0, uid: 0 })
    .add(90, { ppid: 1, pgid: 90, unique: 90, parentUnique: 1, uid: 0 })
    .add(700, { ppid: 500, pgid: 700, unique: 7000, parentUnique: 5000 });
}

function open(xnu: Xnu, table = xnu.table): {
  tree: ProcessTree;
  signals: [number, number][];
} {
  const membership = new KinshipGroup(
    null,
    [],
    table,
    new Kinship(table),
  );
  membership.endSpawn(700);
  const signals: [number, number][] = [];
  const tree = new ProcessTree(membership, table, (pid, signal, isOurs) => {
    if (!isOurs(pid)) return 3;
    signals.push([pid, signal]);
    if (signal === 9) xnu.processes.get(pid)!.status = SZOMB;
    if (signal === 17) xnu.processes.get(pid)!.status = 4;
    return 0;
  });
  return { tree, signals };
}

Deno.test("libproc: a process is read from the short form and the unique ids, by their offsets", () => {
  const xnu = new Xnu().add(501, {
    ppid: 400,
    pgid: 450,
    unique: 2 ** 40,
    parentUnique: 77,
    name: "sixteen bytes of",
  });
  assertEquals(xnu.table.stat(501), {
    pid: 501,
    name: "sixteen bytes of",
    state: "R",
    ppid: 400,
    pgrp: 450,
    session: 0,
    startTicks: 2 ** 40,
    uniqueId: 1n << 40n,
    parentUniqueId: 77n,
  });
  xnu.processes.get(501)!.status = 4;
  assertEquals(xnu.table.stat(501)?.state, "T");
  assertEquals(xnu.table.stat(502), null);
});

Deno.test("libproc: pids are told newest first, and none when there is no list", () => {
  const xnu = leaderAndStrangers();
  assertEquals(xnu.table.pids(), [700, 90, 1]);
  const none = libprocTable(() => ({ ...xnu, proc_listallpids: () => -1 }));
  assertEquals(none.pids(), null);
});

Deno.test("libproc: the start is known of own processes, and NaN of another user's", () => {
  const { table } = leaderAndStrangers();
  const startOf = (pid: number) => table.startTime(table.stat(pid)!);
  assertEquals([startOf(700), startOf(90)], [1_700_000_000_250, NaN]);
});

Deno.test("libproc: arguments stand behind the program's path and zeros", () => {
  const bytes = (count: number, text: string) => {
    const rest = new TextEncoder().encode(text);
    const all = new Uint8Array(4 + rest.length);
    new DataView(all.buffer).setInt32(0, count, true);
    all.set(rest, 4);
    return all;
  };
  const told = bytes(3, "/bin/sh\0\0\0\0sh\0-c\0exit 1\0PATH=/bin\0");
  assertEquals(parseArguments(told), "sh -c exit 1");
  assertEquals(parseArguments(bytes(2, "/a\0a\0cut off")), "a cut off");
  for (const bad of [bytes(0, "/a\0\0a\0"), bytes(1, "/a"), told.slice(0, 3)]) {
    assertEquals(parseArguments(bad), null);
  }
  const xnu = new Xnu();
  xnu.arguments.set(700, told);
  assertEquals(xnu.table.commandLine(700), "sh -c exit 1");
  assertEquals(xnu.table.commandLine(701), null);
});

Deno.test("macOS: a tree comes to rest though other users' processes are there", () => {
  const xnu = leaderAndStrangers();
  const { tree } = open(xnu);
  assertEquals([tree.isEmpty(), tree.members().length], [false, 1]);
  xnu.processes.get(700)!.status = SZOMB;
  assertEquals([tree.isEmpty(), tree.members().length], [true, 0]);
});

Deno.test("macOS: without the forms that everybody is told, it does not come to rest", () => {
  const xnu = leaderAndStrangers();
  // The long form in place of the short one.
  const table = libprocTable(() => ({
    ...xnu,
    proc_pidinfo: (pid, flavor, argument, bytes, size) =>
      xnu.processes.get(pid)?.uid === 0
        ? xnu.proc_pidinfo(pid, LONG, argument, bytes, size)
        : xnu.proc_pidinfo(pid, flavor, argument, bytes, size),
  }));
  xnu.processes.get(700)!.status = SZOMB;
  assertEquals(open(xnu, table).tree.isEmpty(), false);
});

Deno.test("macOS: a zombie is seen as one, not as gone", () => {
  const xnu = leaderAndStrangers();
  xnu.processes.get(700)!.status = SZOMB;
  assertEquals(xnu.table.stat(700)?.state, "Z");
  const blind = libprocTable(() => ({
    ...xnu,
    proc_pidinfo: (pid, flavor, _argument, bytes, size) =>
      xnu.proc_pidinfo(pid, flavor, 0n, bytes, size),
  }));
  assertEquals(open(xnu, blind).tree.isEmpty(), false);
});

Deno.test("macOS: who left the group is ended with it: a child, a known member's orphan, the child of an orphan in the group", () => {
  const xnu = leaderAndStrangers()
    .add(701, { ppid: 700, pgid: 701, unique: 7001, parentUnique: 7000 })
    // Forked by 701's child, which is gone.
    .add(703, { ppid: 1, pgid: 703, unique: 7003, parentUnique: 7002 })
    .add(704, { ppid: 1, pgid: 700, unique: 7004, parentUnique: 7002 })
    .add(705, { ppid: 704, pgid: 705, unique: 7005, parentUnique: 7004 })
    .add(706, { ppid: 1, pgid: 706, unique: 7006, parentUnique: 7001 });
  const { tree, signals } = open(xnu);
  tree.kill(17, 9);
  const killed = signals.filter(([, signal]) => signal === 9);
  assertEquals(
    killed.map(([pid]) => pid).sort(),
    // 703 was born of no process that was ever seen: that is why the containment says
    // that it does not hold escapees.
    [700, 701, 704, 705, 706],
  );
  assertEquals(tree.isEmpty(), true);
  assertEquals(xnu.processes.get(90)!.status, undefined);
});

Deno.test("macOS: a retired tree has no members, whoever has its number", () => {
  const xnu = leaderAndStrangers();
  const membership = new KinshipGroup(
    null,
    [],
    xnu.table,
    new Kinship(xnu.table),
  );
  membership.endSpawn(700);
  assertEquals(membership.belongs(700), "yes");
  membership.retire();
  assertEquals(membership.belongs(700), "no");
  membership.endSpawn(0);
  assertEquals(membership.belongs(700), "no");
});
