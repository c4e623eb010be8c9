/**
 * The axes of the matrix: the hosts, the ways to end, and the shapes of trees.
 *
 * @module
 */

/** What the owner of a tree is. */
export const HOSTS = {
  root: "root",
  user: "an ordinary user",
  process1: "process 1 of a pid namespace, as root",
  subreaper: "a subreaper, as root",
  worker: "a worker of a process of root",
} as const;

/** One of them. */
export type Host = keyof typeof HOSTS;

/** The ways in which a living owner ends a tree, as the head of a column. */
export const CALLS = [
  "kill",
  "stop",
  "wait timeout",
  "abort",
  "dispose",
  "output timeout",
  "outputSync timeout",
] as const;

/** The ways in which the owner itself ends. */
export const ENDS = [
  "exit",
  "throw",
  "SIGTERM",
  "SIGKILL",
  "terminate",
] as const;

/** All of them. */
export const WAYS = [...CALLS, ...ENDS] as const;

/** One of them. */
export type Way = typeof WAYS[number];

/** A shape of tree. */
export interface Shape {
  /** The first argument of `tests/chaos/tree.c`. */
  readonly table: string;
  /** How many processes of it there are once it stands. */
  readonly processes: number;
  /** Who can make it; everybody by default. */
  readonly only?: "root" | "user";
  /** What starts the program, where that is another one; the rest is one string for a shell. */
  readonly below?: readonly string[];
}

/** By what the page calls them. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  "one process": { table: ":", processes: 1 },
  "a child and a grandchild": { table: ":f1;:f2;:", processes: 3 },
  "a daemon: `setsid`, double fork": { table: ":d1;:", processes: 2 },
  "a daemon, the leader has exited": { table: "l:d1;:", processes: 1 },
  "deaf to every signal but SIGKILL": { table: "ib:f1;ib:", processes: 2 },
  "stopped by SIGSTOP": { table: "t:f1;t:", processes: 2 },
  "children by `CLONE_PARENT`": { table: ":P1,f2;:;:P3;:", processes: 4 },
  "a daemon without its tag": { table: ":d1;R:f2;:", processes: 3 },
  "a daemon without its slice mark": { table: ":d1;Q:f2;:", processes: 3 },
  "a child without any mark": { table: ":f1;RQ:f2;:", processes: 3 },
  "a daemon without any mark": { table: ":d1;RQ:", processes: 2 },
  "a daemon of another user": { table: ":d1;u:", processes: 2, only: "root" },
  "a daemon below `su`": {
    table: ":d1;:",
    processes: 2,
    only: "root",
    below: ["su", "-s", "/bin/sh", "nobody", "-c"],
  },
  "a child that becomes root": {
    table: ":f1;U:",
    processes: 2,
    only: "user",
  },
};

/** Whether there is such a cell; else why there is none. */
export function cellIsOf(host: Host, way: Way, shape: string): boolean {
  const { only, table } = SHAPES[shape] as Shape;
  // These wait for the leader: its exit ends the tree before them, with a report or not.
  if (table.startsWith("l") && /abort|output|wait/.test(way)) return false;
  const who = host === "user" ? "user" : "root";
  // signal(7): process 1 gets only those signals that it handles.
  if (host === "process1" && way === "SIGTERM") return false;
  return only === undefined || only === who;
}

/** What came of one. */
export interface Outcome {
  /** Processes of the tree that live when the library has spoken, or when all patience is over. */
  readonly left: number;
  /**
   * What the library said: `"0"`, `"not proved"`, `"named"` (a `SurvivorsError`),
   * `"returned"` (a promise of the end was fulfilled, without a report), `"nothing"`
   * (there was nobody to be told), or the text of another error.
   */
  readonly told: string;
}

/**
 * A cell of the table.
 *
 * @param outcome What came of it.
 * @returns Some letters; the page says what they mean.
 */
export function cellText({ left, told }: Outcome): string {
  const lives = left > 0 ? String(left) : "";
  if (told === "nothing") return lives === "" ? "·" : `**${lives}**`;
  if (told === "0") return lives === "" ? "0" : `**${lives} but told 0**`;
  if (told === "returned") return lives === "" ? "✓" : `${lives} ✓`;
  if (told === "not proved") return `${lives || "0"}?`;
  if (told === "named") return `${lives || "0"}!`;
  return `**${lives} ${told}**`;
}

/** Whether the library said that nothing is left, and something is. */
export function isFalse({ left, told }: Outcome): boolean {
  return left > 0 && told === "0" ||
    !["0", "not proved", "named", "returned", "nothing"].includes(told);
}
