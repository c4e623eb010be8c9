// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * The same two programs started and ended twice: with `Deno.Command`, then with
 * this library. Shows what is left each time, as the operating system lists it.
 *
 *     deno task demo
 *
 * Needs no argument, no download and no other program than `sh`; the second part
 * needs npm. Leaves nothing behind.
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command, type StopReport } from "../mod.ts";
import {
  draw,
  listProcesses,
  type Process,
  select,
  stillThere,
} from "./process_list.ts";

/** A program to show. */
interface Program {
  readonly title: string;
  readonly program: string;
  readonly options: Deno.CommandOptions;
  /** Stands in the command line of processes that leave the tree. */
  readonly marker: string;
  /** Whether everything has been started. */
  readonly ready: (tree: readonly Process[]) => boolean;
}

/** How many were there, and how many were left. */
interface Outcome {
  readonly before: number;
  readonly after: number;
}

const WINDOWS = Deno.build.os === "windows";
const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

// All programs end by themselves after a minute, should this one be killed.
function shell(): Program {
  const marker = `60.${1000 + Math.floor(Math.random() * 9000)}`;
  const sleep = `sleep ${marker}`;
  // In parentheses a daemon: a session of its own, and a parent that is gone.
  const script = `${sleep} & ` +
    `($(command -v setsid) sh -c '${sleep} & ${sleep} & wait' &); ` +
    `sh -c '${sleep} & wait'`;
  return {
    title: "a shell script with background jobs and a daemon",
    program: "sh",
    options: { args: ["-c", script], ...QUIET },
    marker,
    ready: (tree) => tree.filter((one) => one.command === sleep).length === 4,
  };
}

function batch(): Program {
  const ping = "ping -n 60 127.0.0.1";
  return {
    title: "a command line with a background job",
    program: "cmd.exe",
    options: {
      args: ["/d", "/c", `start /b ${ping} >nul & cmd /d /c ${ping} >nul`],
      windowsRawArguments: true,
      ...QUIET,
    },
    marker: "\0",
    ready: (tree) => tree.filter((one) => /ping/i.test(one.command)).length > 1,
  };
}

function npm(): Program {
  return {
    title: "npm run dev, whose server has a worker",
    program: WINDOWS ? "npm.cmd" : "npm",
    options: {
      args: ["run", "dev"],
      cwd: new URL("./dev_server/", import.meta.url),
      env: { npm_config_update_notifier: "false" },
      ...QUIET,
    },
    marker: "server.mjs worker",
    ready: WINDOWS
      ? (tree) => tree.filter((one) => /^node/i.test(one.command)).length > 2
      : (tree) => tree.some((one) => one.command.includes("server.mjs worker")),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// The processes of a program, once it has started them all.
async function running(root: number, program: Program): Promise<Process[]> {
  for (let tries = 0;; tries++) {
    const tree = select(await listProcesses(), root, program.marker);
    if (program.ready(tree)) return tree;
    if (tries === 200) throw new Error(`Not started: ${program.title}`);
    await sleep(50);
  }
}

function show(heading: string, some: readonly Process[]): void {
  console.log(`  ${heading}`);
  if (some.length > 0) console.log(draw(some));
}

async function withDeno(program: Program): Promise<Outcome> {
  const child = new Deno.Command(program.program, program.options).spawn();
  const before = await running(child.pid, program);
  show(`Deno.Command: ${before.length} processes run`, before);
  child.kill();
  await child.status;
  await sleep(300);
  const after = await stillThere(before);
  show(
    `Deno.Command: ${after.length} are left 0.3 s after kill() and status`,
    after,
  );
  for (const { pid } of after) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself in the meantime.
    }
  }
  if (after.length > 0) console.log("  (the demo has ended these now)");
  return { before: before.length, after: after.length };
}

async function withThisLibrary(program: Program): Promise<Outcome> {
  const child = new Command(program.program, program.options).spawn();
  const before = await running(child.pid, program);
  show(`@killable/process: ${before.length} processes run`, before);
  const report = await child.stop();
  const after = await stillThere(before);
  show(`@killable/process: ${after.length} are left after stop()`, after);
  console.log(`  (${words(report)})`);
  return { before: before.length, after: after.length };
}

function words(report: StopReport): string {
  const { signal, signalled, escalated, elapsed, mechanism } = report;
  return `${signal} to ${signalled}, hard kill for ${escalated}, ` +
    `${elapsed.toFixed(0)} ms, held by ${mechanism}`;
}

const rows: string[] = [];
const programs = [WINDOWS ? batch() : shell(), npm()];
let left = 0;
for (const [index, program] of programs.entries()) {
  console.log(`${index + 1}. ${program.title}\n`);
  try {
    const theirs = await withDeno(program);
    console.log();
    const ours = await withThisLibrary(program);
    left += ours.after;
    rows.push(
      program.title.padEnd(50) +
        `${theirs.after} of ${theirs.before}`.padEnd(14) +
        `${ours.after} of ${ours.before}`,
    );
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(
      `  '${program.program}' was not found in PATH, so this part is left out`,
    );
  }
  console.log();
}
console.log("left behind".padEnd(50) + "Deno.Command  @killable/process");
console.log(rows.join("\n"));
if (left > 0) Deno.exit(1);
