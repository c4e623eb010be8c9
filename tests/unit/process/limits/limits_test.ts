import { assert, assertEquals, assertThrows } from "@std/assert";
import type { ByteSource } from "../../../../backend/native.ts";
import {
  LimitCheck,
  type Watched,
} from "../../../../process/limits/run_limits.ts";
import {
  limitOfEnd,
  limitReports,
  toLimits,
} from "../../../../process/limits/limits.ts";
import {
  type Limits,
  type ResourceUsage,
  unknownUsage,
} from "../../../../backend/usage.ts";
import {
  BudgetedSource,
  OutputBudget,
} from "../../../../process/stdio/outputs.ts";
import {
  POSIX_LIMITS,
  resourceLimits,
  ulimitCommands,
} from "../../../../posix/spawn/resource_limits.ts";
import { LINUX_SIGNALS } from "../../../../backend/signals.ts";
import {
  jobLimits,
  WINDOWS_LIMITS,
} from "../../../../windows/spawn/resource_limits.ts";

const POSIX = { name: "posix", limits: POSIX_LIMITS } as const;
const WINDOWS = { name: "windows", limits: WINDOWS_LIMITS } as const;

Deno.test("an unknown limit is refused, and the error names those there are", () => {
  const error = assertThrows(() => toLimits({ ram: 1 }, POSIX), TypeError);
  for (const name of [...POSIX_LIMITS, "wallTime", "output"]) {
    assert(error.message.includes(name), error.message);
  }
  assertThrows(() => toLimits({ toString: 1 }, POSIX), TypeError, "Unknown");
});

Deno.test("a limit that the system has not got is refused, and the error names those it has", () => {
  const error = assertThrows(
    () => toLimits({ openFiles: 100 }, WINDOWS),
    Deno.errors.NotSupported,
    "openFiles",
  );
  assert(
    error.message.includes("memory, cpuTime, processes, wallTime, output"),
  );
});

Deno.test("limits are whole numbers in range", () => {
  const invalid: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [1, TypeError, "limits"],
    [null, TypeError, "limits"],
    [[1], TypeError, "limits"],
    [{ memory: "1" }, TypeError, "memory"],
    [{ memory: 0 }, RangeError, "memory"],
    [{ memory: 1.5 }, RangeError, "memory"],
    [{ memory: NaN }, RangeError, "memory"],
    [{ cpuTime: -1 }, RangeError, "cpuTime"],
    [{ wallTime: NaN }, RangeError, "wallTime"],
    [{ processes: 0 }, RangeError, "processes"],
    [{ openFiles: 3 }, RangeError, "from 8"],
    [{ output: 2 ** 60 }, RangeError, "output"],
  ];
  for (const [value, kind, text] of invalid) {
    assertThrows(() => toLimits(value, POSIX), kind as never, text);
  }
  const valid = { memory: 1, cpuTime: 0.5 + 1, wallTime: 0, coreSize: 0 };
  assertEquals(toLimits(valid, POSIX), valid);
  assertEquals(toLimits({ memory: undefined }, POSIX), null);
  assertEquals(toLimits(undefined, POSIX), null);
});

const exit = (code: number) => ({ code, signal: null, lost: false });
const spent = (ms: number) => () => ({
  leader: { ...unknownUsage("rusage"), userTime: ms, systemTime: 0 },
});

Deno.test("an end tells the limit of the kernel that caused it", () => {
  const end = (limits: Limits, code: number, ms = 0, killed = false) =>
    limitOfEnd(
      limits,
      { exit: exit(code), killed, usage: spent(ms) },
      LINUX_SIGNALS,
    );
  const SIGXCPU = 128 + 24;
  const SIGXFSZ = 128 + 25;
  const SIGKILL = 128 + 9;
  assertEquals(end({ cpuTime: 1000 }, SIGXCPU), "cpuTime");
  assertEquals(end({ fileSize: 1 }, SIGXFSZ), "fileSize");
  assertEquals(end({ cpuTime: 1000 }, SIGKILL, 2000), "cpuTime");
  // Another program's SIGKILL, our own, an end in good order, no such limit.
  assertEquals(end({ cpuTime: 1000 }, SIGKILL, 100), null);
  assertEquals(end({ cpuTime: 1000 }, SIGKILL, 2000, true), null);
  assertEquals(end({ cpuTime: 1000 }, 0, 2000), null);
  assertEquals(end({ memory: 1 }, SIGXCPU), null);
  assertEquals(end({ cpuTime: 1 }, SIGXFSZ), null);
});

Deno.test("reports say who holds a limit", () => {
  const limits = { memory: 5, cpuTime: 6, openFiles: 9, output: 7 };
  const held = { cpuTime: "process", openFiles: "process" } as const;
  assertEquals(limitReports(limits, held), [
    { limit: "memory", value: 5, by: "watched", of: "tree" },
    { limit: "cpuTime", value: 6, by: "both", of: "tree" },
    { limit: "openFiles", value: 9, by: "kernel", of: "process" },
    { limit: "output", value: 7, by: "watched", of: "streams" },
  ]);
});

/** A tree that uses what it is told to. */
class Tree implements Watched {
  figures: Partial<ResourceUsage> = { memory: 0, processes: 1 };
  exact: number | null = null;
  numbers: number | null = null;
  reached: "memory" | "openFiles" | null = null;
  looks = 0;
  glances = 0;
  usage() {
    this.looks++;
    return { tree: { ...unknownUsage("sampled"), ...this.figures } };
  }
  exactMemory() {
    return this.exact;
  }
  newest() {
    return this.numbers;
  }
  hasMoreThan(count: number) {
    this.glances++;
    return (this.figures.processes ?? 0) > count;
  }
  limitReached() {
    return this.reached;
  }
}

Deno.test("a look finds the limit that is passed, and none that is just reached", () => {
  const tree = new Tree();
  const look = (limits: Limits, figures: Partial<ResourceUsage>) => {
    tree.figures = figures;
    return new LimitCheck(tree, limits).look(0);
  };
  assertEquals(look({ memory: 100 }, { memory: 100 }), null);
  assertEquals(look({ memory: 100 }, { memory: 101 }), "memory");
  assertEquals(look({ processes: 3 }, { processes: 3 }), null);
  assertEquals(look({ processes: 3 }, { processes: 4 }), "processes");
  assertEquals(look({ cpuTime: 9 }, { userTime: 4, systemTime: 4 }), null);
  assertEquals(look({ cpuTime: 9 }, { userTime: 5, systemTime: 4 }), "cpuTime");
  // What is not known is not passed.
  assertEquals(look({ memory: 1, cpuTime: 1, processes: 1 }, {}), null);
});

Deno.test("shared pages that are counted twice do not pass the limit of memory", () => {
  const tree = new Tree();
  tree.figures = { memory: 500 };
  tree.exact = 90;
  assertEquals(new LimitCheck(tree, { memory: 100 }).look(0), null);
  tree.exact = 101;
  assertEquals(new LimitCheck(tree, { memory: 100 }).look(0), "memory");
});

Deno.test("what the kernel reports is passed; descriptors are only noted", () => {
  const tree = new Tree();
  tree.reached = "memory";
  assertEquals(new LimitCheck(tree, { memory: 100 }).look(0), "memory");
  tree.reached = "openFiles";
  const check = new LimitCheck(tree, { openFiles: 10 });
  assertEquals([check.look(0), check.noted], [null, "openFiles"]);
});

Deno.test("looks come rarely far from the limit, and often near it", () => {
  const tree = new Tree();
  const check = new LimitCheck(tree, { memory: 1000 });
  let now = performance.now();
  const after = (memory: number) => {
    tree.figures = { memory };
    check.look(now);
    now += check.interval;
    return check.interval;
  };
  for (let i = 0; i < 6; i++) after(10);
  assertEquals(after(10), 100);
  assert(after(600) <= 20);
  // Half of it in one interval: what is left is used up in as much again.
  const growing = new LimitCheck(tree, { memory: 1000 });
  tree.figures = { memory: 0 };
  const start = performance.now();
  growing.look(start);
  tree.figures = { memory: 400 };
  growing.look(start + 20);
  assert(growing.interval <= 20, String(growing.interval));
});

Deno.test("many new processes bring the next look forward", () => {
  const tree = new Tree();
  tree.numbers = 1000;
  const check = new LimitCheck(tree, { processes: 10 });
  const now = performance.now();
  check.tick(now);
  assertEquals(tree.looks, 1);
  tree.numbers = 1009;
  assertEquals([check.tick(now), tree.glances], [null, 0]);
  // They were strangers.
  tree.numbers = 1010;
  assertEquals([check.tick(now), tree.glances], [null, 1]);
  assertEquals([check.tick(now), tree.glances], [null, 1]);
  tree.numbers = 1020;
  tree.figures = { processes: 11 };
  assertEquals([check.tick(now), tree.glances], ["processes", 2]);
  assertEquals(tree.looks, 1);
});

function sourceOf(bytes: number): ByteSource & { closed: boolean } {
  let left = bytes;
  return {
    closed: false,
    readSize: 100,
    read(view: Uint8Array): number {
      const n = Math.min(view.byteLength, left);
      left -= n;
      return n;
    },
    close() {
      this.closed = true;
    },
    finish() {},
    ref() {},
    unref() {},
    settled: () => null,
  };
}

Deno.test("output up to the limit is read, and one byte more passes it, over both streams", () => {
  for (const [bytes, expected] of [[10, false], [11, true]] as const) {
    let passed = false;
    const budget = new OutputBudget(15, () => passed = true);
    const first = new BudgetedSource(sourceOf(5), budget);
    const inner = sourceOf(bytes);
    const second = new BudgetedSource(inner, budget);
    assertEquals(first.read(new Uint8Array(100), false), 5);
    assertEquals(second.read(new Uint8Array(100), false), 10);
    assertEquals(passed, false);
    assertEquals(second.read(new Uint8Array(100), false), 0);
    assertEquals([passed, inner.closed], [expected, true]);
  }
});

Deno.test("limits become those of the systems", () => {
  const limits = { cpuTime: 1500, fileSize: 1000, coreSize: 0, openFiles: 64 };
  assertEquals(
    resourceLimits(limits).map((l) => [l.resource, l.soft, l.hard]),
    [[0, 2, 3], [1, 1000, 1000], [4, 0, 0], [7, 64, 64]],
  );
  assertEquals(
    ulimitCommands({ cpuTime: 1000, openFiles: 9 }),
    "ulimit -S -t 1 2>/dev/null; ulimit -H -t 2 2>/dev/null; " +
      "ulimit -S -n 9 2>/dev/null; ulimit -H -n 9 2>/dev/null; ",
  );
  assertEquals(ulimitCommands({ memory: 5 }), "");
  assertEquals(jobLimits({ memory: 5, cpuTime: 6, output: 1 }), {
    memory: 5,
    userTime: 6,
  });
  assertEquals(jobLimits(null), {});
});
