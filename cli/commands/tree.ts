/**
 * `tree`: shows the processes that a process has started.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { allProcesses, descendantsOf } from "../processes/all_processes.ts";
import { processTree } from "../library.ts";
import { paletteFor } from "../terminal/colour.ts";
import { pidsOf } from "../processes/listeners.ts";
import type { CommandSpec, GivenOptions } from "../arguments/command_spec.ts";
import { parseDuration, UsageError } from "../arguments/operands.ts";
import { print, say, terminalWidth, write } from "../terminal/say.ts";
import { SignalRelay, STOP_SIGNALS } from "../run/signal_relay.ts";
import { drawTree } from "../processes/tree_drawing.ts";
import { lookAt, type TreeLook } from "../processes/tree_rows.ts";

type Option = "watch" | "interval" | "json";

/** Its operands and options. */
export const SPEC: CommandSpec<Option> = {
  name: "tree",
  program: "killable tree",
  summary: "show a process and everything it started, or all processes",
  usage: "[OPTION]... [PID|:PORT]",
  description: [
    "Draws the tree that 'killable kill PID' would end: process id, user, share of a processor, resident memory, age and command line. A member whose parent has ended hangs on a dotted branch. Without PID all processes are drawn.",
    "Ancestors of this program, like the shell $$, can be drawn, but not ended.",
    "The share of a processor is that of a process's whole life, and with --watch that of the last interval.",
  ],
  options: [
    { name: "watch", short: "w", help: "draw again and again, on a terminal" },
    {
      name: "interval",
      short: "n",
      value: "DURATION",
      help: "how often --watch looks (1s)",
    },
    {
      name: "json",
      short: "j",
      help:
        "an array of processes; null where something is not known, age in milliseconds, memory in bytes",
    },
  ],
  operand: "pid",
  stopsAtOperand: false,
  examples: [
    ["killable tree 4711", "the tree of a process"],
    ["killable tree :8080", "the tree that listens on a port"],
    [
      "killable tree --watch $(pgrep -o node)",
      "the processes of a dev server, as they come and go",
    ],
    ["killable tree --json 4711 | jq '.[].pid'", "for a script"],
    [
      "killable tree | grep -A 9 sshd",
      "all processes, those of sshd picked out",
    ],
  ],
  exitStatus: [
    ["0", "shown; with --watch: until the process ended, or Ctrl-C"],
    ["1", "there is no such process, or it may not be looked at"],
    ["2", "a mistake in the command line"],
  ],
  permissions:
    "--allow-ffi and --allow-run with PID. User, processor, memory, all processes, and those that this program descends from: -A on Linux, --allow-run=ps on macOS; not on Windows",
  usageStatus: 2,
};

const DEFAULT_INTERVAL_MS = 1000;

/** Runs it. */
export async function run(given: GivenOptions<Option>): Promise<number> {
  const [operand, ...more] = given.operands;
  if (more.length > 0) throw new UsageError(`extra operand '${more[0]}'`);
  const pid = operand === undefined ? null : (await pidsOf(operand))[0]!;
  const interval = given.value("interval");
  const every = interval === undefined
    ? DEFAULT_INTERVAL_MS
    : parseDuration(interval, "--interval");
  try {
    if (given.has("watch")) return await watch(pid, every);
    const look = await lookAt(await membersOf(pid), null);
    if (given.has("json")) print(JSON.stringify(look.rows, null, 2));
    else show(look, pid);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    say(`killable tree: ${(error as Error).message}`);
    return 1;
  }
}

async function membersOf(pid: number | null): Promise<ProcessInfo[]> {
  if (pid === null) return await allProcesses();
  try {
    return processTree(pid);
  } catch (error) {
    // Refused, because it must not be ended: we descend from it.
    if (!(error instanceof RangeError) || Deno.build.os === "windows") {
      throw error;
    }
    return await descendantsOf(pid);
  }
}

function show(look: TreeLook, pid: number | null): void {
  const palette = paletteFor(Deno.stdout);
  const width = Deno.stdout.isTerminal() ? terminalWidth() : Infinity;
  drawTree(look.rows, pid, width, palette).forEach(print);
  if (look.missing !== "") {
    say(`killable tree: no user, processor and memory: ${look.missing}`);
  }
}

const OTHER_SCREEN = "\x1b[?1049h\x1b[?25l";
const FIRST_SCREEN = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** Draws until the process has ended or a signal comes. */
async function watch(pid: number | null, every: number): Promise<number> {
  if (!Deno.stdout.isTerminal()) {
    throw new UsageError("--watch draws on a terminal; use --json in a script");
  }
  let look = await lookAt(await membersOf(pid), null);
  let leave: () => void = () => {};
  const left = new Promise<void>((resolve) => leave = resolve);
  let asked = false;
  using _relay = new SignalRelay(STOP_SIGNALS, () => {
    asked = true;
    leave();
  });
  write(Deno.stdout, OTHER_SCREEN);
  try {
    while (!asked) {
      drawFrame(look, pid);
      await pause(every, left);
      if (!asked) look = await lookAt(await membersOf(pid), look);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  } finally {
    write(Deno.stdout, FIRST_SCREEN);
  }
  if (!asked) print(`process ${pid} has ended`);
  return 0;
}

function drawFrame(look: TreeLook, pid: number | null): void {
  const palette = paletteFor(Deno.stdout);
  const lines = drawTree(look.rows, pid, terminalWidth(), palette);
  const room = Math.max(Deno.consoleSize().rows - 1, 2);
  const shown = lines.length <= room
    ? lines
    : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more`];
  const text = shown.map((line) => line + CLEAR_LINE).join("\r\n");
  write(Deno.stdout, `${HOME}${text}\r\n${CLEAR_BELOW}`);
}

async function pause(ms: number, cut: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([over, cut]);
  clearTimeout(timer);
}
