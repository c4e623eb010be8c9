/**
 * Asking programs to end: console control events, and for programs with windows
 * the message that a click on the closing cross sends.
 *
 * An event reaches the processes of one console. A child with a console of its
 * own is reached by attaching to that console for a moment, which only a process
 * without one can do: ours if it has none, else a short-lived helper.
 *
 * Pages: "GenerateConsoleCtrlEvent function", "AttachConsole function",
 * "SetConsoleCtrlHandler function", "HandlerRoutine callback function".
 *
 * @module
 */

import { SystemError } from "../../backend/errors.ts";
import type { SoftSignal } from "../../backend/native.ts";
import { cString, readWide, wideString } from "../../ffi/c_string.ts";
import { commandLine } from "../system/command_line.ts";
import {
  CTRL_BREAK_EVENT,
  CTRL_C_EVENT,
  DETACHED_PROCESS,
  PROCESS_QUERY_INFORMATION,
  PROCESS_VM_READ,
  WM_CLOSE,
} from "../system/constants.ts";
import { createProcess } from "../system/create_process.ts";
import type { Handle } from "../system/handle.ts";
import { consoles, nt, processes, windowing } from "../system/kernel32.ts";
import { openProcess } from "../system/process_table.ts";
import { senderArguments } from "./console_sender.ts";

/**
 * A console control event.
 *
 * @category Windows
 */
export type ConsoleEvent = typeof CTRL_C_EVENT | typeof CTRL_BREAK_EVENT;

const STD_INPUT_HANDLE = 0xFFFFFFF6;

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

/** The processes on our console, ourselves among them. */
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
 * never our own, where we would get it too, and whoever started us.
 *
 * @param pids Processes, the likeliest first.
 * @param event The event.
 * @returns Whether it was sent.
 * @category Windows
 */
export function signalConsoleOf(
  pids: readonly number[],
  event: ConsoleEvent,
): boolean {
  const ours = onOurConsole();
  const ready: number[] = [];
  for (let i = 0; i < pids.length; i++) {
    const pid = pids[i] as number;
    if (!ours.includes(pid) && hasConsoleReady(pid)) ready.push(pid);
  }
  if (ready.length === 0) return false;
  // Wine ends the sender of a CTRL_BREAK too: let that be the helper.
  if (ours.length > 0 || event === CTRL_BREAK_EVENT) {
    return sendByHelper(ready, event);
  }
  for (let i = 0; i < ready.length; i++) {
    if (signalAttached(ready[i] as number, event)) return true;
  }
  return false;
}

function signalAttached(pid: number, event: ConsoleEvent): boolean {
  const k = consoles();
  const standard = standardHandles();
  // Without effect where there is no console; Wine keeps half of one.
  k.FreeConsole();
  if (k.AttachConsole(pid) === 0) return false;
  try {
    ignoreEvents();
    return k.GenerateConsoleCtrlEvent(event, 0) !== 0;
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

let ignoring = false;

/**
 * Has events ignored in this process: while attached we are one of the receivers.
 *
 * The documented way, a handler of NULL, is inherited by children, whose CTRL_C
 * would be switched off. A handler stays with us; it runs on a thread of its
 * own where no JavaScript may run, so it is a function of kernel32 that takes
 * nothing and returns something other than 0, which means "handled". It stays
 * registered, because the event may arrive after this function has returned;
 * without a console there is nothing else that it could swallow.
 */
function ignoreEvents(): void {
  if (ignoring) return;
  ignoring = true;
  const k = consoles();
  const kernel32 = k.GetModuleHandleW(wideString("kernel32.dll"));
  const handled = k.GetProcAddress(kernel32, cString("GetCurrentProcessId"));
  k.SetConsoleCtrlHandler(handled, 1);
}

// Whether a process has come so far as to have its console.
//
// A process makes its console while its libraries are loaded. Attaching to it in
// that moment waits for a console server that may never answer (seen with Wine,
// where it blocks for ever), so it is asked first: the process environment block
// points to the start parameters, in which the wish for a console (-1 to -3) is
// replaced by its handle once there is one.
//
// Pages: "PEB structure", "RTL_USER_PROCESS_PARAMETERS structure",
// "ReadProcessMemory function".

// PROCESS_BASIC_INFORMATION (winternl.h): 48 bytes, PebBaseAddress at 8.
const BASIC_SIZE = 48;

const PEB_ADDRESS = 8;

// PEB.ProcessParameters, 64-bit.
const PARAMETERS = 0x20n;

// RTL_USER_PROCESS_PARAMETERS.ConsoleHandle, 64-bit.
const CONSOLE_HANDLE = 0x10n;

// -1 (detached), -2 (a new one), -3 (a new one without a window).
const WISHES = 0xFFFFFFFFFFFFFFFDn;

/**
 * Looks.
 *
 * @param pid The process.
 * @returns False while it starts, for one without a console, and for one that
 * may not be looked at.
 */
export function hasConsoleReady(pid: number): boolean {
  const process = openProcess(pid, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ);
  if (process === null) return false;
  try {
    const peb = pebOf(process);
    const parameters = peb === 0n ? 0n : pointerAt(process, peb + PARAMETERS);
    if (parameters === 0n) return false;
    const handle = pointerAt(process, parameters + CONSOLE_HANDLE);
    return handle !== 0n && handle < WISHES;
  } finally {
    process.close();
  }
}

function pebOf(process: Handle): bigint {
  const bytes = new Uint8Array(new ArrayBuffer(BASIC_SIZE));
  const status = nt().NtQueryInformationProcess(
    process.value,
    0,
    bytes,
    BASIC_SIZE,
    null,
  );
  if (status !== 0) return 0n;
  return new DataView(bytes.buffer).getBigUint64(PEB_ADDRESS, true);
}

function pointerAt(process: Handle, address: bigint): bigint {
  const out = new BigUint64Array(new ArrayBuffer(8));
  const ok = consoles().ReadProcessMemory(
    process.value,
    address,
    out,
    8n,
    null,
  );
  return ok ? out[0] as bigint : 0n;
}

// The short-lived helper that sends a console event when this process has a
// console of its own, which it could not get back after leaving it.

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
 * Starts the helper and does not wait for it.
 *
 * @param pids Processes whose console is meant, the likeliest first.
 * @param event The event.
 * @param deno The Deno to run it with.
 * @returns Whether there is a helper. A stop must not fail for want of one: who
 * cannot be asked is ended.
 */
export function sendByHelper(
  pids: readonly number[],
  event: number,
  deno: string = ownPath(),
): boolean {
  if (!helperAvailable()) return false;
  try {
    const created = createProcess({
      application: deno,
      commandLine: commandLine(deno, senderArguments(pids, event), false),
      flags: DETACHED_PROCESS,
    });
    created.thread.close();
    created.process.close();
    return true;
  } catch (error) {
    // Such as a job of somebody else's that allows no further process.
    if (error instanceof SystemError) return false;
    throw error;
  }
}

/** Page "GetModuleFileNameW function". */
function ownPath(): string {
  const text = wideString(" ".repeat(4096));
  const units = processes().GetModuleFileNameW(0n, text, 4096);
  return readWide(text, units);
}

// Which way a signal that can be handled goes to a tree.

/** Whom it goes to. */
export interface SoftTarget {
  /** The members of the tree, the leader first. */
  readonly pids: readonly number[];
  /** The console group on our own console, or `null`: the tree has none there. */
  readonly group: number | null;
}

/**
 * Whether a signal has a soft form on Windows. SIGBREAK and SIGQUIT become
 * CTRL_BREAK, on which a Java program prints its threads as it does for SIGQUIT.
 *
 * @param signal The signal.
 * @returns False for those that end a process at once.
 */
export function isSoft(signal: string): boolean {
  return signal === "SIGTERM" || signal === "SIGINT" || signal === "SIGHUP" ||
    signal === "SIGBREAK" || signal === "SIGQUIT";
}

/**
 * Sends the soft form of a signal.
 *
 * @param signal The signal.
 * @param target Whom it goes to.
 * @returns What was used, or `null` when there was no way.
 */
export function sendSoft(
  signal: string,
  target: SoftTarget,
): SoftSignal | null {
  const { pids, group } = target;
  const count = pids.length;
  if (count === 0) return null;
  if (group !== null) {
    return breakGroup(group) ? { count, method: "CTRL_BREAK" } : byWindow(pids);
  }
  const breaks = signal === "SIGBREAK" || signal === "SIGQUIT";
  const event = breaks ? CTRL_BREAK_EVENT : CTRL_C_EVENT;
  if (signalConsoleOf(pids, event)) {
    return { count, method: breaks ? "CTRL_BREAK" : "CTRL_C" };
  }
  return byWindow(pids);
}

function byWindow(pids: readonly number[]): SoftSignal | null {
  const count = closeWindows(pids);
  return count === 0 ? null : { count, method: "WM_CLOSE" };
}

// Asking programs with windows to end.
//
// Pages: "FindWindowExW function", "PostMessageW function", "WM_CLOSE message".

// Windows may change their order while they are gone through.
const MOST = 10_000;

/**
 * Posts WM_CLOSE to the visible top-level windows of processes.
 *
 * @param pids The processes.
 * @returns How many windows there were.
 */
export function closeWindows(pids: readonly number[]): number {
  const k = windowing();
  const owner = new Uint32Array(new ArrayBuffer(4));
  let count = 0;
  let window = 0n;
  for (let i = 0; i < MOST; i++) {
    window = k.FindWindowExW(0n, window, null, null);
    if (window === 0n) break;
    k.GetWindowThreadProcessId(window, owner);
    if (!pids.includes(owner[0] as number)) continue;
    if (k.IsWindowVisible(window) === 0) continue;
    k.PostMessageW(window, WM_CLOSE, 0n, 0n);
    count++;
  }
  return count;
}
