/**
 * The measurements, the contenders, and the goals.
 *
 * @module
 */

import type { Entry, Goal, Row } from "./row.ts";

const DENO = "Deno.Command";

const C: Entry = { label: "C", contender: "C" };
const OURS: Entry = { label: "ours", contender: "ours" };
const OFF: Entry = { label: "off", contender: "off" };
const COMMAND: Entry = { label: DENO, contender: "deno" };
const NODE: Entry = { label: "Node", contender: "node" };
const EXECA: Entry = { label: "execa", contender: "execa" };
const PYTHON: Entry = { label: "Python", contender: "python" };
const ALL: readonly Entry[] = [C, OURS, OFF, COMMAND, NODE, EXECA, PYTHON];

function atMost(most: number, to: string, of = "ours"): Goal {
  return { kind: "ratio", of, to, most };
}

function asFast(least: number, to: string, of = "ours"): Goal {
  return { kind: "speed", of, to, least };
}

/** An entry again, under another label and with another case. */
function as(entry: Entry, label: string, what: string): Entry {
  return { ...entry, label, case: what };
}

const PLAIN = "kill(-pgid), wait";

function treeRow(size: number, most: number): Row {
  const big = size === 1000;
  // tree-kill asks `ps` once for every process.
  const slow: Partial<Entry> = size > 10
    ? { most: big ? 1 : 2, slow: true }
    : { most: 5 };
  const npm = (label: string, kind: string, killer: string): Entry => ({
    label,
    contender: "trees",
    case: `tree:${size}:${kind}:${killer}`,
    ...slow,
  });
  const tree = `tree:${size}`;
  return {
    name: `tree${size}`,
    title: `kill until a tree of ${size.toLocaleString("en")} is empty`,
    unit: "ms",
    count: [1, 1],
    rounds: [big ? 5 : 11, big ? 2 : 5],
    warm: [1, 1],
    entries: [
      as(C, PLAIN, tree),
      as(OURS, "ours", `${tree}:plain:stop`),
      as(OURS, "ours, kill()", `${tree}:plain:kill`),
      as(OURS, "ours, sessions", `${tree}:setsid:stop`),
      as(OURS, "ours, kill(), sessions", `${tree}:setsid:kill`),
      as(OFF, "off", `${tree}:plain:stop`),
      as(COMMAND, DENO, `${tree}:plain`),
      npm("tree-kill", "plain", "treeKill"),
      ...(big ? [] : [npm("tree-kill, sessions", "setsid", "treeKill")]),
      npm("fkill(pid)", "plain", "fkill"),
      npm("fkill(-pid)", "plain", "fkillGroup"),
    ],
    goals: [
      atMost(most, PLAIN),
      atMost(most, PLAIN, "ours, kill()"),
      atMost(most, PLAIN, "ours, sessions"),
      asFast(10, "tree-kill"),
      asFast(
        10,
        big ? "tree-kill" : "tree-kill, sessions",
        "ours, sessions",
      ),
    ],
  };
}

function memoryRow(
  name: string,
  title: string,
  unit: string,
  goals: readonly Goal[],
): Row {
  return {
    name,
    title: `${title} per live child, all stdio piped`,
    unit,
    count: [200, 100],
    rounds: [3, 1],
    warm: [0, 0],
    entries: [
      OURS,
      as(OURS, "ours, streams not used", `${name}:unread`),
      OFF,
      COMMAND,
    ],
    goals,
    fresh: true,
    linux: true,
  };
}

function fresh(label: string, contender: string): Entry {
  return { label, contender };
}

function firstRow(what: string, title: string): Row {
  return {
    name: `first ${what}`,
    title: `first ${title} in a process, until its command has ended`,
    unit: "ms",
    count: [1, 1],
    rounds: [25, 7],
    warm: [2, 1],
    entries: [
      fresh("ours", `first ${what}`),
      fresh("first spawn", "first exit"),
    ],
    goals: [{ kind: "difference", of: "ours", to: "first spawn", most: 5 }],
  };
}

// V8 compiles what a short command runs in the course of its first 1,000: rounds of
// 50 before anything is counted.
const COMPILED = 25;

/** All rows, in the order in which they are measured and shown. */
export const ROWS: readonly Row[] = [
  {
    name: "spawn",
    title: "spawn + exit of /bin/true, stdio null",
    unit: "ms",
    count: [50, 50],
    rounds: [15, 5],
    warm: [COMPILED, COMPILED],
    entries: ALL,
    goals: [
      atMost(1.25, "C"),
      atMost(1.1, "C"),
      atMost(1, DENO),
      atMost(0.85, DENO),
      atMost(0.45, "Node"),
    ],
  },
  {
    name: "early",
    title: "the same, of the first 900 of a process",
    unit: "ms",
    count: [50, 20],
    rounds: [15, 5],
    warm: [3, 2],
    entries: ALL.map((one) => ({ ...one, case: "spawn" })),
    goals: [atMost(1.25, "C"), atMost(1, DENO)],
  },
  {
    name: "resident",
    title: "the same with 1 GiB resident in the parent",
    unit: "ms",
    count: [50, 20],
    rounds: [11, 5],
    warm: [COMPILED, 2],
    entries: [
      as(C, "C, small", "spawn"),
      C,
      as(OURS, "ours, small", "spawn"),
      OURS,
      as(COMMAND, `${DENO}, small`, "spawn"),
      COMMAND,
      as(NODE, "Node, small", "spawn"),
      NODE,
    ],
    goals: [atMost(1.1, "ours, small")],
  },
  {
    name: "output",
    title: "output() of echo",
    unit: "ms",
    count: [50, 20],
    rounds: [15, 5],
    warm: [COMPILED, 2],
    entries: ALL,
    goals: [atMost(1.2, "C"), atMost(0.9, DENO)],
  },
  {
    name: "sync",
    title: "outputSync() of echo",
    unit: "ms",
    count: [50, 20],
    rounds: [11, 5],
    warm: [COMPILED, 2],
    entries: ALL,
    goals: [],
  },
  {
    name: "parallel",
    title: "output() of 200 commands, 16 at a time",
    unit: "ms",
    count: [200, 100],
    rounds: [9, 3],
    warm: [6, 1],
    entries: [OURS, OFF, COMMAND, NODE, EXECA],
    goals: [atMost(0.9, DENO)],
  },
  {
    name: "stream",
    title: "stream 1 GiB from a child",
    unit: "ms",
    count: [1, 1],
    rounds: [7, 2],
    warm: [1, 1],
    entries: ALL,
    goals: [asFast(1.3, DENO), asFast(0.6, "C")],
  },
  {
    name: "capture",
    title: "output() of 1 GiB",
    unit: "ms",
    count: [1, 1],
    rounds: [3, 1],
    warm: [1, 0],
    entries: [C, OURS, COMMAND, NODE, PYTHON],
    goals: [asFast(3, DENO), asFast(0.6, "C")],
  },
  {
    name: "feed",
    title: "write 1 GiB to a child",
    unit: "ms",
    count: [1, 1],
    rounds: [5, 2],
    warm: [1, 1],
    entries: ALL,
    goals: [asFast(1.3, DENO)],
  },
  {
    name: "many",
    title: "1,000 children alive: spawn, kill, reap all",
    unit: "ms each",
    count: [1000, 1000],
    rounds: [3, 1],
    warm: [1, 0],
    entries: ALL,
    goals: [atMost(0.5, DENO)],
  },
  {
    name: "exits",
    title: "spawn + exit with 10 and with 5,000 children alive",
    unit: "ms",
    count: [100, 50],
    rounds: [9, 1],
    warm: [1, 0],
    entries: [
      as(C, "C, 10", "exits:10"),
      as(C, "C, 5,000", "exits:5000"),
      as(OURS, "ours, 10", "exits:10"),
      as(OURS, "ours, 5,000", "exits:5000"),
      { ...as(COMMAND, `${DENO}, 10`, "exits:10"), slow: true },
      { ...as(COMMAND, `${DENO}, 5,000`, "exits:5000"), slow: true },
    ],
    goals: [atMost(1.3, "ours, 10", "ours, 5,000")],
  },
  treeRow(10, 1.5),
  treeRow(100, 2),
  treeRow(1000, 3),
  {
    name: "late",
    title: "lateness of a time limit: deadline until the tree is gone, grace 0",
    unit: "ms",
    count: [10, 10],
    rounds: [10, 3],
    warm: [1, 1],
    entries: [
      C,
      OURS,
      as(OURS, "ours, outputSync()", "lateSync"),
      OFF,
      COMMAND,
      NODE,
      EXECA,
      PYTHON,
    ],
    goals: [
      { kind: "value", of: "ours", most: 3 },
      { kind: "value", of: "ours", most: 15, part: 0.99 },
    ],
  },
  {
    name: "idle",
    title: "waiting 10 s for 100 children: context switches of all together",
    unit: "per s",
    count: [100, 100],
    rounds: [1, 1],
    warm: [0, 0],
    entries: [OURS, OFF, COMMAND, NODE],
    goals: [{ kind: "value", of: "ours", most: 2 }],
    idle: true,
    linux: true,
  },
  {
    name: "start",
    title: "a fresh process: import + first spawn, from start to end",
    unit: "ms",
    count: [1, 1],
    rounds: [25, 7],
    warm: [2, 1],
    entries: [
      fresh("ours", "start ours"),
      fresh(DENO, "start deno"),
      fresh("ours, one file", "start one file"),
      fresh("import of ours", "start import"),
      fresh("empty script", "start empty"),
      fresh("Node", "start node"),
      fresh("Python", "start python"),
    ],
    goals: [atMost(1.8, DENO)],
  },
  {
    name: "import",
    // Deno.Command needs no import: its script is empty.
    title: "a fresh process: import alone; an empty script for Deno.Command",
    unit: "ms",
    count: [1, 1],
    rounds: [25, 7],
    warm: [2, 1],
    entries: [
      fresh("ours", "start import"),
      fresh(DENO, "start empty"),
    ],
    goals: [
      { kind: "difference", of: "ours", to: DENO, most: 20 },
    ],
  },
  {
    name: "first",
    title: "first spawn() in a process, synchronous part",
    unit: "ms",
    count: [1, 1],
    rounds: [25, 7],
    warm: [2, 1],
    entries: [fresh("ours", "first spawn")],
    goals: [{ kind: "value", of: "ours", most: 8 }],
  },
  firstRow("output", "output() with piped streams"),
  firstRow("scope", "await using"),
  firstRow("timeout", "timeout"),
  {
    name: "wine",
    title: "the same fresh process under Wine: cmd.exe /c exit",
    unit: "ms",
    count: [1, 1],
    rounds: [9, 3],
    warm: [2, 1],
    entries: [fresh("ours", "wine ours"), fresh(DENO, "wine deno")],
    goals: [atMost(2.5, DENO)],
    linux: true,
  },
  memoryRow("heap", "JS heap", "KiB", [
    { kind: "value", of: "ours", most: 8 },
  ]),
  memoryRow("descriptors", "descriptors", "open", [
    { kind: "value", of: "ours", most: 4 },
  ]),
  memoryRow("rss", "resident memory", "KiB", []),
  {
    name: "peak",
    title: "peak memory of a capture of 256 MiB, over its size",
    unit: "× size",
    count: [1, 1],
    rounds: [3, 1],
    warm: [0, 0],
    entries: [
      fresh("ours", "peak ours output"),
      fresh("ours, outputSync()", "peak ours outputSync"),
      fresh(DENO, "peak deno output"),
      fresh(`${DENO}, outputSync()`, "peak deno outputSync"),
    ],
    goals: [
      { kind: "value", of: "ours", most: 2 },
      { kind: "value", of: "ours, outputSync()", most: 2 },
    ],
    linux: true,
  },
  {
    name: "cli",
    title: "timeout 60 /bin/true, from start to end",
    unit: "ms",
    count: [1, 1],
    rounds: [15, 5],
    warm: [2, 1],
    entries: [
      fresh("GNU timeout", "cli gnu"),
      fresh("killable timeout", "cli ours"),
      fresh("killable run", "cli run"),
      fresh("killable timeout, one file", "cli one file"),
      fresh("killable timeout, compiled", "cli compiled"),
      fresh("empty script", "start empty"),
    ],
    goals: [
      atMost(3, "empty script", "killable timeout"),
      atMost(3, "empty script", "killable run"),
      atMost(2, "empty script", "killable timeout, one file"),
    ],
  },
];
