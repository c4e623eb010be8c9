/**
 * Console control events: the two signals of Windows that a program can handle.
 *
 * An event reaches the processes of one console. A child with a console of its
 * own is reached by attaching to that console for a moment, which only a process
 * without one can do: this process if it has none, else a short-lived helper, which
 * could not get back the console of ours after leaving it.
 *
 * The helper is a Deno that evaluates a few lines and needs no module: whether a
 * module is cached or vendored makes no difference. Its exit code tells whether
 * the event was sent.
 *
 * Pages: "GenerateConsoleCtrlEvent function", "AttachConsole function",
 * "SetConsoleCtrlHandler function", "HandlerRoutine callback function".
 *
 * @module
 */

import { SystemError } from "../../backend/errors.ts";
import { readWide, wideString } from "../../ffi/memory.ts";
import { viewAt } from "../../ffi/library.ts";
import { commandLine } from "../system/command_line.ts";
import {
  CTRL_BREAK_EVENT,
  CTRL_C_EVENT,
  DETACHED_PROCESS,
  INVALID_HANDLE_VALUE,
  PROCESS_QUERY_INFORMATION,
  PROCESS_VM_READ,
} from "../system/win32.ts";
import { createProcess } from "../system/create_process.ts";
import {
  getExitCodeProcess,
  type Handle,
  terminateProcess,
  waitForSingleObject,
} from "../system/handle.ts";
import { consoles, nt, processes } from "../system/kernel32.ts";
import { openProcess } from "../system/process_table.ts";

/**
 * A console control event.
 *
 * @category Windows
 */
export type ConsoleEvent = typeof CTRL_C_EVENT | typeof CTRL_BREAK_EVENT;

const STD_INPUT_HANDLE = 0xFFFFFFF6;
// GetCurrentProcess is a constant: the pseudo handle -1.
const CURRENT_PROCESS = INVALID_HANDLE_VALUE;

/**
 * Whether this process has a console.
 *
 * Page "GetConsoleProcessList function".
 *
 * @returns False for services, and where there is no terminal.
 * @category Windows
 */
export function hasConsole(): boolean {
  const list = new Uint32Array(new ArrayBuffer(4));
  return processes().GetConsoleProcessList(list, 1) !== 0;
}

/** The processes on our console, this one among them. */
function onOurConsole(): number[] {
  for (let room = 64;; room *= 2) {
    const list = new Uint32Array(new ArrayBuffer(room * 4));
    const count = processes().GetConsoleProcessList(list, room);
    // With too little room it tells how much is needed, and fills in nothing.
    if (count > room) continue;
    const pids: number[] = [];
    for (let i = 0; i < count; i++) pids.push(list[i] as number);
    return pids;
  }
}

/**
 * Sends CTRL_BREAK to a console group on our own console.
 *
 * CTRL_C cannot be sent to a group: new groups start with it switched off.
 *
 * @param group The group: the id of the process it was made for.
 * @returns Whether Windows took it.
 * @category Windows
 */
export function breakGroup(group: number): boolean {
  return consoles().GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, group) !== 0;
}

/**
 * Sends an event to every process on the console that one of `pids` has. That is
 * never our own console, where the event would reach this process too, and the
 * one that started it.
 *
 * @param pids Processes, the likeliest first.
 * @param event The event.
 * @returns True when it was sent, false when there was no way; a helper that was
 * started, and has yet to say whether it has sent it.
 * @category Windows
 */
export function signalConsoleOf(
  pids: readonly number[],
  event: ConsoleEvent,
): boolean | ConsoleHelper {
  const ours = onOurConsole();
  const ready: number[] = [];
  for (let i = 0; i < pids.length; i++) {
    const pid = pids[i] as number;
    if (!ours.includes(pid) && hasConsoleReady(pid)) ready.push(pid);
  }
  if (ready.length === 0) return false;
  // CTRL_BREAK cannot be ignored by its sender: that is then the helper.
  if (ours.length > 0 || event === CTRL_BREAK_EVENT) {
    return startHelper(ready, event) ?? false;
  }
  for (let i = 0; i < ready.length; i++) {
    if (sendAttached(ready[i] as number)) return true;
  }
  return false;
}

// CTRL_C from this process, which has no console

/** Sends CTRL_C to the console of a process. */
function sendAttached(pid: number): boolean {
  const k = consoles();
  const standard = standardHandles();
  ignoreCtrlC();
  // Without effect where there is no console; Wine keeps half of one.
  k.FreeConsole();
  if (k.AttachConsole(pid) === 0) return false;
  try {
    return k.GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) !== 0;
  } finally {
    k.FreeConsole();
    // Attaching may have pointed them at the child's console.
    for (let i = 0; i < 3; i++) {
      k.SetStdHandle(STD_INPUT_HANDLE - i, standard[i] as bigint);
    }
  }
}

function standardHandles(): bigint[] {
  const handles: bigint[] = [];
  for (let i = 0; i < 3; i++) {
    handles.push(processes().GetStdHandle(STD_INPUT_HANDLE - i));
  }
  return handles;
}

// Whether a process ignores CTRL_C is a flag of it, which its children inherit.
// A process in a new process group starts with it (page "Process Creation Flags").

/** So long an event may take from the call that sends it, in milliseconds. */
const LATE_MS = 5_000;
/** When this process began to ignore CTRL_C by itself; `null`: it does not. */
let ignoringSince: number | null = null;

/**
 * Has this process ignore CTRL_C: attached to the child's console, it is one of
 * the receivers. AttachConsole and FreeConsole forget all handlers, and the event
 * comes on a thread of its own after the console has been left, so a handler
 * would not do; the flag stays. Without a console there is nothing that it could
 * keep from this process.
 */
function ignoreCtrlC(): void {
  if (ignoringSince === null && ignoresCtrlC()) return;
  ignoringSince = performance.now();
  consoles().SetConsoleCtrlHandler(0n, 1);
}

/**
 * Calls a function that creates a process with a console of its own. Its CTRL_C
 * is not switched off, whatever this process does with it.
 *
 * @param create The function.
 * @returns Its result.
 */
export function withCtrlC<T>(create: () => T): T {
  if (!ignoresCtrlC()) return create();
  const k = consoles();
  k.SetConsoleCtrlHandler(0n, 0);
  try {
    return create();
  } finally {
    const over = ignoringSince !== null &&
      performance.now() - ignoringSince > LATE_MS;
    if (over) ignoringSince = null;
    else k.SetConsoleCtrlHandler(0n, 1);
  }
}

let parameters: bigint | null = null;

function ignoresCtrlC(): boolean {
  if (parameters === null) {
    const peb = informationOf(CURRENT_PROCESS, BASIC, BASIC_SIZE, PEB_AT);
    if (peb === 0n) return false;
    parameters = viewAt(peb).getBigUint64(WIDE.parameters);
  }
  // Bit 0 of ConsoleFlags, which follows ConsoleHandle.
  return (viewAt(parameters).getUint32(WIDE.console + 8) & 1) !== 0;
}

// Whether a process has its console yet.
//
// A process makes its console while its libraries are loaded. Attaching to it in
// that moment waits for a console server that may never answer (seen with Wine,
// where it blocks for ever), so it is asked first: the process environment block
// points to the start parameters, in which the wish for a console (-1 to -3) is
// replaced by its handle once there is one. A 32-bit process has a block of its
// own for that.
//
// Pages: "PEB structure", "RTL_USER_PROCESS_PARAMETERS structure",
// "ReadProcessMemory function", "NtQueryInformationProcess function".

/** ProcessBasicInformation: PROCESS_BASIC_INFORMATION, the PEB's address at 8. */
const BASIC = 0;
const BASIC_SIZE = 48;
const PEB_AT = 8;
/** ProcessWow64Information: the address of the 32-bit PEB, or 0. */
const WOW64 = 26;

/** The offsets of the fields in the block of a process, and the width of a pointer. */
interface BlockLayout {
  /** Bytes of a pointer. */
  readonly pointer: 4 | 8;
  /** PEB.ProcessParameters. */
  readonly parameters: number;
  /** RTL_USER_PROCESS_PARAMETERS.ConsoleHandle. */
  readonly console: number;
}

const WIDE: BlockLayout = { pointer: 8, parameters: 0x20, console: 0x10 };
const NARROW: BlockLayout = { pointer: 4, parameters: 0x10, console: 0x10 };

/** Reads memory of another process; `null` where that is refused. */
export type MemoryReader = (
  address: bigint,
  bytes: 4 | 8,
) => bigint | null;

/**
 * Whether a process has its console.
 *
 * @param pid The process.
 * @returns False while it starts, for one without a console, and for one that
 * may not be looked at.
 */
export function hasConsoleReady(pid: number): boolean {
  const process = openProcess(pid, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ);
  if (process === null) return false;
  try {
    return consoleIsReady({
      wide: informationOf(process.value, BASIC, BASIC_SIZE, PEB_AT),
      narrow: informationOf(process.value, WOW64, 8, 0),
    }, readerOf(process));
  } finally {
    process.close();
  }
}

/**
 * The same, from the blocks of the process.
 *
 * @param blocks Addresses of its 64-bit and its 32-bit block; 0 for none.
 * @param read Reads its memory.
 * @returns Whether it has its console.
 */
export function consoleIsReady(
  blocks: { readonly wide: bigint; readonly narrow: bigint },
  read: MemoryReader,
): boolean {
  const block = blocks.narrow === 0n ? blocks.wide : blocks.narrow;
  const layout = blocks.narrow === 0n ? WIDE : NARROW;
  if (block === 0n) return false;
  const { pointer } = layout;
  const parameters = read(block + BigInt(layout.parameters), pointer);
  if (parameters === null || parameters === 0n) return false;
  const handle = read(parameters + BigInt(layout.console), pointer);
  // -1 (detached), -2 (a new one), -3 (a new one without a window).
  const wishes = (1n << BigInt(pointer * 8)) - 3n;
  return handle !== null && handle !== 0n && handle < wishes;
}

function readerOf(process: Handle): MemoryReader {
  return (address, bytes) => {
    const out = new BigUint64Array(new ArrayBuffer(8));
    const ok = consoles().ReadProcessMemory(
      process.value,
      address,
      out,
      BigInt(bytes),
      null,
    );
    return ok ? out[0] as bigint : null;
  };
}

/** A pointer out of one of the information classes of a process; 0 for none. */
function informationOf(
  process: bigint,
  informationClass: number,
  size: number,
  at: number,
): bigint {
  const bytes = new Uint8Array(new ArrayBuffer(size));
  const status = nt().NtQueryInformationProcess(
    process,
    informationClass,
    bytes,
    size,
    null,
  );
  if (status !== 0) return 0n;
  return new DataView(bytes.buffer).getBigUint64(at, true);
}

/** The exit code of a process that is ended by the console event it has sent. */
const STATUS_CONTROL_C_EXIT = 0xC000013A;

// A program of its own, which cannot import `ffi/`.
const PROGRAM = `
const { args, dlopen } = Deno;
const [event, ...pids] = args.map(Number);
const { symbols } = dlopen("kernel32.dll", {
  AttachConsole: { parameters: ["u32"], result: "i32" },
  SetConsoleCtrlHandler: { parameters: ["usize", "i32"], result: "i32" },
  GenerateConsoleCtrlEvent: { parameters: ["u32", "u32"], result: "i32" },
});
for (const pid of pids) {
  if (!symbols.AttachConsole(pid)) continue;
  symbols.SetConsoleCtrlHandler(0n, 1);
  Deno.exit(symbols.GenerateConsoleCtrlEvent(event, 0) ? 0 : 1);
}
Deno.exit(1);
`;

/** The arguments of a Deno that sends an event. */
function senderArguments(pids: readonly number[], event: number): string[] {
  const args = ["eval", "--quiet", "--no-config", "--no-lock"];
  args.push(PROGRAM, String(event));
  for (let i = 0; i < pids.length; i++) args.push(String(pids[i]));
  return args;
}

/**
 * Whether a helper can be had. A compiled program has no Deno to run one with:
 * its children share its console instead, where it has one.
 *
 * @returns False in a compiled program.
 */
export function helperAvailable(): boolean {
  return (Deno.build as { standalone?: boolean }).standalone !== true;
}

/**
 * A helper that was started.
 *
 * @category Windows
 */
export class ConsoleHelper {
  readonly #process: Handle;

  /**
   * Takes the helper over.
   *
   * @param process Its process.
   */
  constructor(process: Handle) {
    this.#process = process;
  }

  /**
   * Looks whether it has ended. Not to be asked again after an answer.
   *
   * @returns Whether it has sent the event; `null` while it runs.
   */
  sent(): boolean | null {
    if (!waitForSingleObject(this.#process, 0)) return null;
    const code = getExitCodeProcess(this.#process);
    this.#process.close();
    return code === 0 || code === STATUS_CONTROL_C_EXIT;
  }

  /** Ends it: the process that it was to ask is being ended. */
  cancel(): void {
    terminateProcess(this.#process, 1);
    this.#process.close();
  }
}

/**
 * Starts a helper.
 *
 * @param pids Processes whose console is meant, the likeliest first.
 * @param event The event.
 * @param deno The Deno to run it with.
 * @returns The helper; `null` when there is none: a stop must not fail for want of one,
 * and a process that cannot be asked is ended.
 */
export function startHelper(
  pids: readonly number[],
  event: number,
  deno: string = ownPath(),
): ConsoleHelper | null {
  if (!helperAvailable()) return null;
  try {
    const created = createProcess({
      application: deno,
      commandLine: commandLine(deno, senderArguments(pids, event), false),
      // No deno.json and no package.json of the user's is beside it.
      cwd: deno.slice(0, deno.lastIndexOf("\\") + 1),
      flags: DETACHED_PROCESS,
    });
    created.thread.close();
    return new ConsoleHelper(created.process.closeAtThreadEnd());
  } catch (error) {
    // Such as an outer job that allows no further process.
    if (error instanceof SystemError) return null;
    throw error;
  }
}

/** Page "GetModuleFileNameW function". */
function ownPath(): string {
  const text = wideString(" ".repeat(4096));
  const units = processes().GetModuleFileNameW(0n, text, 4096);
  return readWide(text, units);
}
