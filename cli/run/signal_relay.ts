/**
 * Signals to this program, for as long as it looks after another one.
 *
 * @module
 */

import { isGranted } from "../is_granted.ts";

const WINDOWS = Deno.build.os === "windows";

/** What asks a program to end: from a terminal, a shell, a supervisor. */
export const STOP_SIGNALS: readonly Deno.Signal[] = WINDOWS
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"];

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
    Deno.addSignalListener(signal, listener);
    this.#listeners.set(signal, listener);
  }

  /**
   * Gives the signals back in the next turn of the event loop, when the program
   * has exited. Ctrl-C goes to the command and to this program. A command that ends
   * by it with a status of its own may be gone before Deno has told us of the
   * signal; once nobody listens, Deno gives that its default action, and this
   * program would end with 130 instead.
   */
  [Symbol.dispose](): void {
    setTimeout(() => this.giveBack(), 0);
  }

  /** Gives the signals their default action back at once. Idempotent. */
  giveBack(): void {
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

// Which of the signals that a shell makes its jobs deaf to are ignored here.
// Only proc(5) tells, to whom may read it; nobody is asked for a permission.
function ignoredSignals(): Set<Deno.Signal> {
  const found = new Set<Deno.Signal>();
  if (Deno.build.os !== "linux" || !isGranted(STATUS)) return found;
  let mask: bigint;
  try {
    const status = Deno.readTextFileSync("/proc/self/status");
    mask = BigInt(`0x${/^SigIgn:\s*(\w+)/m.exec(status)?.[1] ?? "0"}`);
  } catch {
    return found;
  }
  for (const [number, signal] of SHELL_SIGNALS) {
    if (mask >> BigInt(number - 1) & 1n) found.add(signal);
  }
  return found;
}

const SHELL_SIGNALS: readonly (readonly [number, Deno.Signal])[] = [
  [1, "SIGHUP"],
  [2, "SIGINT"],
  [3, "SIGQUIT"],
  [10, "SIGUSR1"],
  [12, "SIGUSR2"],
  [14, "SIGALRM"],
  [15, "SIGTERM"],
];
