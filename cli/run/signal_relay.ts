/**
 * Signals to this program, for as long as it looks after another one.
 *
 * @module
 */

import { SIGNALS } from "../arguments/signal_operand.ts";
import { isGranted } from "../is_granted.ts";

const WINDOWS = Deno.build.os === "windows";

/** Signals that ask a program to end: from a terminal, a shell, a supervisor. */
export const STOP_SIGNALS: readonly Deno.Signal[] = WINDOWS
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"];

/**
 * Signals that are handed to the command: they mean something to the program that
 * they are sent to, and would end this one.
 */
export const PASSED_SIGNALS: readonly Deno.Signal[] = WINDOWS ? [] : [
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGPROF",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGABRT",
  ...Deno.build.os === "linux" ? ["SIGIO", "SIGPWR", "SIGSTKFLT"] as const : [],
];

/** The signal by which the terminal stops a job: Ctrl-Z. */
export const JOB_SIGNALS: readonly Deno.Signal[] = WINDOWS ? [] : ["SIGTSTP"];

/** Signals that process 1 hands on: all that have a name and can be caught. */
export const FORWARDED_SIGNALS: readonly Deno.Signal[] = WINDOWS ? [] : [
  ...STOP_SIGNALS,
  ...PASSED_SIGNALS,
  ...JOB_SIGNALS,
  "SIGCONT",
  "SIGWINCH",
  "SIGURG",
];

/** Whatever ends a program by default, as far as Deno can listen to it. */
export const FATAL_SIGNALS: readonly Deno.Signal[] = WINDOWS ? STOP_SIGNALS : [
  ...STOP_SIGNALS,
  "SIGALRM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGPROF",
  "SIGVTALRM",
  "SIGXCPU",
  "SIGXFSZ",
];

/** The rows of the help that are about signals. */
export const SIGNAL_HELP: readonly (readonly [string, string])[] = [
  ["INT QUIT TERM HUP", "begin a stop with that signal; a second one kills"],
  [
    "USR1 USR2 ALRM VTALRM PROF XCPU XFSZ ABRT IO PWR STKFLT",
    "are handed to the command alone",
  ],
  ["TSTP (Ctrl-Z)", "time limits stand still until it is continued"],
  ["WINCH", "reaches a command with a terminal of its own (--pty)"],
  ["KILL", "the tree ends with this program"],
];

/** Listens until it is disposed of. */
export class SignalRelay implements Disposable {
  readonly #listeners = new Map<Deno.Signal, () => void>();

  /**
   * @param signals Which.
   * @param heard Called for each one that comes, but for those that this process
   * was started deaf to: nohup and a shell's background jobs mean it.
   */
  constructor(
    signals: Iterable<Deno.Signal>,
    heard: (signal: Deno.Signal) => void,
  ) {
    const ignored = ignoredSignals();
    for (const signal of new Set(signals)) {
      // With its first listener Deno handles SIGHUP, SIGINT and SIGTERM all
      // three: one that was ignored has to be listened to in order to stay so.
      const deaf = ignored.has(signal);
      this.#add(signal, deaf ? () => {} : () => heard(signal));
    }
    // A parent that ignores SIGCHLD leaves that to us, and then the kernel reaps
    // our children before their status is read (signal(7)).
    if (!WINDOWS) this.#add("SIGCHLD", () => {});
  }

  #add(signal: Deno.Signal, listener: () => void): void {
    if (this.#listeners.has(signal)) return;
    Deno.addSignalListener(signal, listener);
    this.#listeners.set(signal, listener);
  }

  /**
   * Gives the signals back in the next turn of the event loop, when the program
   * has exited. Ctrl-C goes to the command and to this program. A command that ends
   * by it with a status of its own may be gone before Deno has told us of the
   * signal; without a listener Deno gives that its default action, and this
   * program would end with 130 instead.
   */
  [Symbol.dispose](): void {
    setTimeout(() => this.giveBack(), 0);
  }

  /**
   * Gives the signals their default action back at once. Idempotent. Process 1 has
   * none that ends it: the kernel drops the signal, and Deno, which then believes
   * that it has ended, crashes. There nothing is given back.
   */
  giveBack(): void {
    if (Deno.pid === 1) return;
    for (const [signal, listener] of this.#listeners) {
      Deno.removeSignalListener(signal, listener);
    }
    this.#listeners.clear();
  }
}

const STATUS: Deno.PermissionDescriptor = {
  name: "read",
  path: "/proc/self/status",
};

/**
 * The signals that this process was started to ignore.
 *
 * @returns None where that cannot be told.
 */
export function ignoredSignals(): Set<Deno.Signal> {
  // Only proc(5) tells, and no permission is asked for.
  const found = new Set<Deno.Signal>();
  if (Deno.build.os !== "linux" || !isGranted(STATUS)) return found;
  let mask: bigint;
  try {
    const status = Deno.readTextFileSync("/proc/self/status");
    mask = BigInt(`0x${/^SigIgn:\s*(\w+)/m.exec(status)?.[1] ?? "0"}`);
  } catch {
    return found;
  }
  for (const signal of SHELL_SIGNALS) {
    if (mask >> BigInt(SIGNALS[signal]! - 1) & 1n) found.add(signal);
  }
  return found;
}

const SHELL_SIGNALS: readonly Deno.Signal[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGTERM",
];
