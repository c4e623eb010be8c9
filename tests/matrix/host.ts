// deno-lint-ignore-file no-console -- its parent reads what it prints
/**
 * An owner of one tree at a time: a line of its input is a {@linkcode Task}; it
 * starts the tree, prints `up`, waits for a line, ends the tree or itself, and
 * prints what the library said. `host.ts MOD DEPTH PLACE`: the library, in how many
 * workers within each other it is used, and whether the process adopts orphans.
 *
 * @module
 */

import type { ChildProcess, CommandOptions } from "../../mod.ts";
import type { Way } from "./cells.ts";

/** A tree, and how it is ended. */
export interface Task {
  readonly way: Way;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Milliseconds until those calls end it that take their time limit with them. */
  readonly timeout: number;
}

/** How the depth is handed to a worker. */
interface Start {
  readonly mod: string;
  readonly depth: number;
}

type Library = typeof import("../../mod.ts");
type Said = { readonly report: { readonly survivors: 0 | null } | null };

const GRACE = 100;

// Lines come one at a time, and each is asked for once.
const waiting: ((line: string) => void)[] = [];
const come: string[] = [];

function got(line: string): void {
  const next = waiting.shift();
  if (next === undefined) come.push(line);
  else next(line);
}

function nextLine(): Promise<string> {
  const line = come.shift();
  if (line !== undefined) return Promise.resolve(line);
  return new Promise((resolve) => waiting.push(resolve));
}

async function readInput(use: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of Deno.stdin.readable) {
    text += decoder.decode(bytes, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() as string;
    lines.forEach(use);
  }
}

function told(said: Said): string {
  if (said.report === null) return "returned";
  return said.report.survivors === 0 ? "0" : "not proved";
}

async function run({ Command }: Library, task: Task): Promise<string> {
  const { way, program, args, cwd, timeout } = task;
  const command = (options: CommandOptions = {}) =>
    new Command(program, {
      args: [...args],
      cwd,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      grace: GRACE,
      ...options,
    });
  const up = async () => {
    console.log("up");
    await nextLine();
  };
  if (way === "outputSync timeout") {
    console.log("up");
    return told(command({ timeout }).outputSync());
  }
  if (way === "output timeout") {
    console.log("up");
    return told(await command({ timeout }).output());
  }
  if (way === "dispose") {
    await using _child = command().spawn();
    await up();
    return "returned";
  }
  const controller = new AbortController();
  const { signal } = controller;
  const child = command(way === "abort" ? { signal } : {}).spawn();
  if (way === "abort") {
    const ended = child.wait();
    await up();
    controller.abort();
    return told(await ended);
  }
  await up();
  return await endOf(child, way);
}

async function endOf(child: ChildProcess, way: Way): Promise<string> {
  switch (way) {
    case "kill":
      child.kill("SIGKILL");
      await child.treeExited;
      return "returned";
    case "stop":
      return told({ report: await child.stop() });
    case "wait timeout":
      return told(await child.wait({ timeout: 1 }));
    case "exit":
      Deno.exit(0);
      /* falls through */
    case "throw":
      setTimeout(() => {
        throw new Error("on purpose");
      });
  }
  // Ended from outside.
  return await new Promise(() => {});
}

async function work(mod: string): Promise<void> {
  const library: Library = await import(mod);
  for (;;) {
    const task: Task = JSON.parse(await nextLine());
    try {
      console.log(`told ${await run(library, task)}`);
    } catch (error) {
      const named = error instanceof library.SurvivorsError;
      console.log(`told ${named ? "named" : String(error)}`);
    }
  }
}

function startWorker(start: Start): (line: string) => void {
  const worker = new Worker(import.meta.url, { type: "module" });
  worker.postMessage(start);
  return (line) => {
    if (line === "terminate") worker.terminate();
    else worker.postMessage(line);
  };
}

// prctl(2), PR_SET_CHILD_SUBREAPER.
function adoptOrphans(): void {
  const library = Deno.dlopen("libc.so.6", {
    prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  });
  const result = library.symbols.prctl(36, 1n, 0n, 0n, 0n);
  library.close();
  if (result !== 0) throw new Error("prctl failed");
}

function asWorker(): void {
  let pass: ((line: string) => void) | null = null;
  globalThis.addEventListener("message", (event) => {
    const { data } = event as MessageEvent<Start | string>;
    if (typeof data === "string") (pass ?? got)(data);
    else if (data.depth === 0) work(data.mod);
    else pass = startWorker({ mod: data.mod, depth: data.depth - 1 });
  });
}

if ("WorkerGlobalScope" in globalThis) asWorker();
else {
  const [mod, depth, place] = Deno.args as [string, string, string];
  if (place === "subreaper") adoptOrphans();
  if (depth === "0") {
    readInput(got);
    await work(mod);
  } else {
    const start = { mod, depth: Number(depth) - 1 };
    await readInput(startWorker(start));
  }
}
