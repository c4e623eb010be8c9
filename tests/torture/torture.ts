/**
 * The torture suite: shapes of trees, ways to end them, and one adapter for each
 * library and tool. Looks at the process table only; knows nothing of any of them.
 *
 * @module
 */

import { until } from "../fixtures/deadline.ts";
import { denoUnderTest } from "../fixtures/deno.ts";
import { newMarker, processesWith } from "../fixtures/process_table.ts";

/** Scripts for `sh -c`; `$0` is the marker, which `sleep` takes as a number. */
export const SHAPES: Readonly<Record<string, string>> = {
  "one process": 'exec sleep "$0"',
  "a shell with jobs": 'sleep "$0" & sleep "$0" & wait',
  "deaf to SIGTERM": `trap "" TERM; sleep "$0" & while :; do sleep 0.05; done`,
  "a daemon": 'setsid sleep "$0" & sleep "$0"; :',
  "an orphan": '(sleep "$0" &); sleep "$0"; :',
  "the leader has exited": 'setsid sleep "$0" & sleep 0.2',
  "a fork each 10 ms": 'while :; do sleep "$0" & sleep 0.01; done',
};

/** How a tree is ended. */
export const WAYS = ["on request", "the parent gets SIGKILL"] as const;

/** How one library or tool is run. */
export interface Adapter {
  /** The host process that starts this command. */
  readonly argv: (command: readonly string[]) => string[];
  /** What asks the host to end it: a line on its stdin, or SIGTERM. */
  readonly ask: "line" | "signal";
}

const HOST = new URL("./host.ts", import.meta.url).pathname;
const PYTHON = new URL("./host.py", import.meta.url).pathname;
const CLI = new URL("../../cli.ts", import.meta.url).pathname;
const MAP = new URL("../offline/import_map.json", import.meta.url).pathname;

const DENO = [
  denoUnderTest(),
  "run",
  "--quiet",
  "--no-config",
  "--no-lock",
  "--no-check",
  "-A",
];

function inDeno(library: string): Adapter {
  return {
    argv: (command) => [...DENO, HOST, library, ...command],
    ask: "line",
  };
}

function tool(...before: readonly string[]): Adapter {
  return { argv: (command) => [...before, ...command], ask: "signal" };
}

/** By name. */
export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  "@killable/process": inDeno("ours"),
  "Deno.Command": inDeno("Deno.Command"),
  "execa, killDescendants": inDeno("execa"),
  "tree-kill": inDeno("tree-kill"),
  fkill: inDeno("fkill"),
  dax: inDeno("dax"),
  "Python subprocess": {
    argv: (command) => ["python3", PYTHON, ...command],
    ask: "line",
  },
  "GNU timeout": tool("timeout", "-k", "0.5", "600"),
  "tini -s -g": tool("tini", "-s", "-g", "--"),
  "killable timeout": tool(
    ...DENO,
    "--import-map",
    MAP,
    CLI,
    "timeout",
    "-k",
    "0.5",
    "600",
  ),
};

/** What came of one ending. */
export interface Outcome {
  /** How many processes of the tree live when all patience is over. */
  readonly left: number;
  /** Milliseconds from the request until none lived. */
  readonly ms: number;
  /** Whether a process that has nothing to do with the tree was ended. */
  readonly strangerHit: boolean;
}

const PATIENCE = 2500;

/** Ends one tree of this shape, in this way, with this adapter. */
export async function tryOne(
  name: string,
  shape: string,
  way: typeof WAYS[number],
): Promise<Outcome> {
  const adapter = ADAPTERS[name];
  const script = SHAPES[shape];
  if (adapter === undefined || script === undefined) {
    throw new TypeError(`No adapter ${name}, or no shape ${shape}`);
  }
  const marker = newMarker();
  // The host itself has the marker in its arguments: it is not of the tree.
  const ofTree = (host: number) =>
    processesWith(marker).filter(({ pid, command }) =>
      pid !== host && /^(\S*\/)?(sh|sleep|setsid) /.test(command)
    );
  const stranger = new Deno.Command("sleep", { args: [newMarker()] }).spawn();
  const [program = "", ...args] = adapter.argv(["sh", "-c", script, marker]);
  const host = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await until(
      () => ofTree(host.pid).length >= (shape === "one process" ? 1 : 2),
      `${name} has started: ${shape}`,
    );
    if (shape === "the leader has exited") {
      const alone = () =>
        !ofTree(host.pid).some(({ command }) => /^(\S*\/)?sh /.test(command));
      await until(alone, "the leader has exited");
    }
    const began = performance.now();
    await ask(adapter, way, host);
    let left = ofTree(host.pid).length;
    while (left > 0 && performance.now() - began < PATIENCE) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      left = ofTree(host.pid).length;
    }
    const ms = performance.now() - began;
    const strangerHit = await hasEnded(stranger);
    return { left, ms, strangerHit };
  } finally {
    await sweep(marker, host, stranger);
  }
}

async function ask(
  { ask }: Adapter,
  way: typeof WAYS[number],
  host: Deno.ChildProcess,
): Promise<void> {
  if (way === "on request" && ask === "line") {
    const writer = host.stdin.getWriter();
    await writer.write(new TextEncoder().encode("end\n"));
    return;
  }
  signal(host, way === "on request" ? "SIGTERM" : "SIGKILL");
}

async function hasEnded(child: Deno.ChildProcess): Promise<boolean> {
  const alive = new Promise<false>((resolve) => setTimeout(resolve, 0, false));
  return await Promise.race([child.status.then(() => true), alive]);
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended.
  }
}

// Again and again: a tree that forks is not empty after one look.
async function sweep(
  marker: string,
  host: Deno.ChildProcess,
  stranger: Deno.ChildProcess,
): Promise<void> {
  signal(host, "SIGKILL");
  signal(stranger, "SIGKILL");
  await host.status;
  await stranger.status;
  await until(() => {
    const found = processesWith(marker);
    for (const { pid } of found) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    return found.length === 0;
  }, "nothing is left of a tried tree");
}
