/**
 * Signal names and numbers, per operating system: pure data.
 *
 * Sources: signal(7) for Linux (x64 and arm64 share one table), `<sys/signal.h>`
 * of macOS, and for Windows the numbers of its C runtime's `<signal.h>` plus
 * SIGKILL, which stands for `TerminateProcess`.
 *
 * @module
 */

/** Names to numbers. */
export type SignalTable = Readonly<Record<string, number>>;

// deno-fmt-ignore
const LINUX_NAMES: readonly string[] = [
  "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
  "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
  "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
  "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
];

// deno-fmt-ignore
const DARWIN_NAMES: readonly string[] = [
  "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGEMT", "SIGFPE",
  "SIGKILL", "SIGBUS", "SIGSEGV", "SIGSYS", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGURG",
  "SIGSTOP", "SIGTSTP", "SIGCONT", "SIGCHLD", "SIGTTIN", "SIGTTOU", "SIGIO", "SIGXCPU",
  "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGINFO", "SIGUSR1", "SIGUSR2",
];

function numbered(names: readonly string[], aliases: SignalTable): SignalTable {
  const table: Record<string, number> = { ...aliases };
  for (let i = 0; i < names.length; i++) table[names[i] as string] = i + 1;
  return table;
}

/** Linux, x64 and arm64. */
export const LINUX_SIGNALS: SignalTable = numbered(LINUX_NAMES, {
  SIGIOT: 6,
  SIGPOLL: 29,
  SIGUNUSED: 31,
});

/** macOS. */
export const DARWIN_SIGNALS: SignalTable = numbered(DARWIN_NAMES, {
  SIGIOT: 6,
});

/** Windows: the signals that can be sent there, or have a counterpart. */
export const WINDOWS_SIGNALS: SignalTable = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGTERM: 15,
  SIGQUIT: 3,
  SIGABRT: 22,
  SIGBREAK: 21,
};

/**
 * The name of signal `number`, canonical where a number has several.
 *
 * @param table The table of the operating system.
 * @param number The signal's number.
 * @returns The name, or `null` for a number without one (a real-time signal).
 */
export function signalName(
  table: SignalTable,
  number: number,
): Deno.Signal | null {
  // Aliases were put in first, so that the canonical name is found from the end.
  const names = Object.keys(table);
  for (let i = names.length - 1; i >= 0; i--) {
    const name = names[i] as string;
    if (table[name] === number) return name as Deno.Signal;
  }
  return null;
}

/**
 * The number of `signal`, checked.
 *
 * @param table The table of the operating system.
 * @param signal A name of the table, or a number from 0 to 64.
 * @returns The number.
 * @throws {TypeError} when the name is unknown or the number is no signal.
 */
export function signalNumber(
  table: SignalTable,
  signal: string | number,
): number {
  if (typeof signal === "number") {
    if (Number.isInteger(signal) && signal >= 0 && signal <= 64) return signal;
    throw new TypeError(`Invalid signal: ${signal} is not from 0 to 64`);
  }
  const number = typeof signal === "string" && Object.hasOwn(table, signal)
    ? table[signal]
    : undefined;
  if (number === undefined) {
    const close = `SIG${String(signal).toUpperCase()}`;
    const hint = Object.hasOwn(table, close)
      ? `. Did you mean "${close}"?`
      : "";
    throw new TypeError(`Invalid signal: ${String(signal)}${hint}`);
  }
  return number;
}
