/**
 * The errors a caller can catch.
 *
 * Where Deno has a class for a mistake, that class is thrown
 * (`Deno.errors.NotFound` for a missing program, `TypeError` for bad input), so
 * that code written for `Deno.Command` keeps working. Errors that come from a
 * system call carry its details besides, and are `instanceof`
 * {@linkcode SystemError} at the same time.
 *
 * @module
 */

import type { LimitName } from "./usage.ts";
import type { StopReport, Survivor } from "./native.ts";

const SYSTEM: unique symbol = Symbol("SystemError");

/**
 * The details of a failed system call.
 *
 * @category Errors
 */
export interface SystemErrorDetails {
  /** The symbolic error: `ENOENT`, `ERROR_ACCESS_DENIED` … */
  readonly code: string;
  /** Its number. */
  readonly errno: number;
  /** The call that failed: `posix_spawn`, `CreateProcessW` … */
  readonly syscall: string;
  /** The program that was to be started. */
  readonly command?: string;
  /** The process the call was about. */
  readonly pid?: number;
}

/**
 * A failed system call, with its name and number.
 *
 * Errors that also have a class of Deno's own (`Deno.errors.NotFound`,
 * `Deno.errors.PermissionDenied` …) are made of that class, and answer to
 * `instanceof SystemError` as well.
 *
 * @category Errors
 * @example
 * ```ts
 * import { Command, SystemError } from "@killable/process";
 *
 * try {
 *   new Command("no-such-program").spawn();
 * } catch (error) {
 *   if (error instanceof SystemError) console.log(error.code, error.syscall); // ENOENT posix_spawn
 * }
 * ```
 */
export class SystemError extends Error implements SystemErrorDetails {
  /** The symbolic error: `ENOENT`, `ERROR_ACCESS_DENIED` … */
  readonly code!: string;
  /** Its number. */
  readonly errno!: number;
  /** The call that failed. */
  readonly syscall!: string;
  /** The program that was to be started. */
  readonly command?: string;
  /** The process the call was about. */
  readonly pid?: number;

  /** The class's name. */
  override name = "SystemError";

  /**
   * Makes the error.
   *
   * @param message A sentence: the action, the cause, the way out.
   * @param details Which call, which error.
   * @param options `cause`, as of any error.
   */
  constructor(
    message: string,
    details: SystemErrorDetails,
    options?: ErrorOptions,
  ) {
    super(message, options);
    attach(this, details);
  }

  /** True for every error that carries the details of a system call. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && SYSTEM in value;
  }
}

function attach(error: Error, details: SystemErrorDetails): void {
  Object.assign(error, details);
  Object.defineProperty(error, SYSTEM, { value: true });
}

/**
 * Makes a system error, of Deno's own class where there is one.
 *
 * @param kind A class of `Deno.errors`, or `null` for a plain {@linkcode SystemError}.
 * @param message A sentence: the action, the cause, the way out.
 * @param details Which call, which error.
 * @returns The error, to be thrown.
 */
export function systemError(
  kind: (new (message?: string, options?: ErrorOptions) => Error) | null,
  message: string,
  details: SystemErrorDetails,
  options?: ErrorOptions,
): Error {
  if (kind === null) return new SystemError(message, details, options);
  const error = new kind(message, options);
  attach(error, details);
  return error;
}

/**
 * The end of the message about a missing program that may have been given with its
 * arguments in one string.
 *
 * @param command The program, as the caller gave it.
 * @returns A hint at `args`, or nothing when no word follows the program.
 */
export function argumentsHint(command: string): string {
  const words = command.split(" ").filter((word) => word !== "");
  if (words.length < 2) return "";
  const list = words.slice(1).map((word) => `"${word}"`).join(", ");
  return `. If "${
    words[0]
  }" is the program, its arguments go into args: [${list}]`;
}

/**
 * The output that was captured before a run failed.
 *
 * @category Errors
 */
export interface PartialOutput {
  /** Captured standard output, or `null` when it was not piped. */
  readonly stdout: Uint8Array<ArrayBuffer> | null;
  /** Captured standard error, or `null` when it was not piped. */
  readonly stderr: Uint8Array<ArrayBuffer> | null;
}

/**
 * A command that was checked ended with a status other than 0.
 *
 * Named after `subprocess.CalledProcessError` of Python.
 *
 * @category Errors
 * @example
 * ```ts
 * import { CalledProcessError, checkOutput } from "@killable/process";
 *
 * try {
 *   await checkOutput([Deno.execPath(), "eval", "console.log('half'); Deno.exit(7)"]);
 * } catch (error) {
 *   if (!(error instanceof CalledProcessError)) throw error;
 *   console.log(error.code, new TextDecoder().decode(error.stdout!).trim()); // 7 half
 * }
 * ```
 */
export class CalledProcessError extends Error implements PartialOutput {
  /** The class's name. */
  override name = "CalledProcessError";
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Captured standard output, or `null`. */
  readonly stdout: Uint8Array<ArrayBuffer> | null;
  /** Captured standard error, or `null`. */
  readonly stderr: Uint8Array<ArrayBuffer> | null;
  /** The exit code. */
  readonly code: number;
  /** The signal that ended it, or `null`. */
  readonly signal: Deno.Signal | null;
  /** The limit that ended it, or `null`. */
  readonly limit: LimitName | null;
  /** Whether its `AbortSignal` ended it; `cause` is the signal's reason then. */
  readonly aborted: boolean;

  /**
   * Makes the error.
   *
   * @param command The program.
   * @param args Its arguments.
   * @param status How it ended.
   * @param output The captured output.
   * @param options `cause`: the reason of the signal that aborted it.
   */
  constructor(
    command: string,
    args: readonly string[],
    status: {
      readonly code: number;
      readonly signal: Deno.Signal | null;
      readonly limit?: LimitName | null;
      readonly aborted?: boolean;
    },
    output: PartialOutput,
    options?: ErrorOptions,
  ) {
    super(
      status.aborted
        ? `Command '${command}' was aborted; its process tree was ended`
        : status.limit
        ? `Command '${command}' was ended by its limit '${status.limit}'`
        : status.signal === null
        ? `Command '${command}' exited with code ${status.code}`
        : `Command '${command}' was ended by ${status.signal}`,
      options,
    );
    this.command = command;
    this.args = args;
    this.code = status.code;
    this.signal = status.signal;
    this.limit = status.limit ?? null;
    this.aborted = status.aborted ?? false;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
  }
}

/**
 * The time for a command was up; its tree has been ended.
 *
 * Named after `subprocess.TimeoutExpired` of Python.
 *
 * @category Errors
 * @example
 * ```ts
 * import { checkOutput, TimeoutExpired } from "@killable/process";
 *
 * try {
 *   await checkOutput([Deno.execPath(), "eval", "setInterval(() => {}, 1000)"], {
 *     timeout: 300,
 *   });
 * } catch (error) {
 *   if (!(error instanceof TimeoutExpired)) throw error;
 *   console.log(error.timeout, error.idle); // 300 false
 * }
 * ```
 */
export class TimeoutExpired extends Error implements PartialOutput {
  /** The class's name. */
  override name = "TimeoutExpired";
  /** The program. */
  readonly command: string;
  /** The time it had, in milliseconds. */
  readonly timeout: number;
  /** Whether the time is that without output (`idleTimeout`). */
  readonly idle: boolean;
  /** The stop that ended its tree, or `null`. */
  readonly report: StopReport | null;
  /** Captured standard output so far, or `null`. */
  readonly stdout: Uint8Array<ArrayBuffer> | null;
  /** Captured standard error so far, or `null`. */
  readonly stderr: Uint8Array<ArrayBuffer> | null;

  /**
   * Makes the error.
   *
   * @param command The program.
   * @param timeout The time it had, in milliseconds.
   * @param output The output captured so far.
   * @param idle Whether the time is that without output (`idleTimeout`).
   * @param report The stop that ended its tree, or `null`.
   */
  constructor(
    command: string,
    timeout: number,
    output: PartialOutput,
    idle: boolean = false,
    report: StopReport | null = null,
  ) {
    super(
      `Command '${command}' did not ${
        idle ? "write anything for" : "end within"
      } ${timeout} ms; its process tree was ended${named(report)}`,
    );
    this.command = command;
    this.timeout = timeout;
    this.idle = idle;
    this.report = report;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
  }
}

const NAMED = 5;

// The processes that had to be ended hard are those that hung; without any, all.
function named(report: StopReport | null): string {
  if (report === null || report.processes.length === 0) return "";
  const hard = report.processes.filter(({ ended }) => ended === "hard");
  const all = hard.length > 0 ? hard : report.processes;
  const names = all.slice(0, NAMED).map(({ pid, name, sent, reason }) =>
    `${name} (${pid}) by ${sent[sent.length - 1]}${
      reason === null ? "" : ` (${reason})`
    }`
  );
  const more = all.length - names.length;
  return `: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * Why a child was not ready: see {@linkcode NotReadyError}.
 *
 * @category Errors
 */
export type NotReadyReason = "exited" | "closed" | "timeout" | "held";

/**
 * The details of {@linkcode NotReadyError} besides the reason.
 *
 * @category Errors
 */
export interface NotReadyDetails {
  /** The program. */
  readonly command: string;
  /** The condition that was waited for, in words. */
  readonly awaited: string;
  /** The longest wait, in milliseconds. */
  readonly timeout: number;
  /** How the child ended; `null` while it runs. */
  readonly status:
    | { readonly code: number; readonly signal: Deno.Signal | null }
    | null;
  /** The last lines that it wrote, as far as they were read. */
  readonly lines: readonly string[];
  /** Who holds the port, where that is not of the tree. */
  readonly holder?: string | null;
}

/**
 * A child did not become ready: it exited before, closed its output, or the time
 * was up. In the last case it goes on running; `await using` or `stop()` ends it.
 *
 * @category Errors
 * @example
 * ```ts
 * import { Command, NotReadyError } from "@killable/process";
 *
 * await using server = new Command(Deno.execPath(), {
 *   args: ["eval", "console.log('port is in use'); Deno.exit(1)"],
 *   stdout: "piped",
 * }).spawn();
 * try {
 *   await server.ready({ line: "listening" });
 * } catch (error) {
 *   if (!(error instanceof NotReadyError)) throw error;
 *   console.log(error.reason, error.code, error.lines); // exited 1 [ "port is in use" ]
 * }
 * ```
 */
export class NotReadyError extends Error {
  /** The class's name. */
  override name = "NotReadyError";
  /** Why it was not ready. */
  readonly reason: NotReadyReason;
  /** The program. */
  readonly command: string;
  /** The longest wait, in milliseconds. */
  readonly timeout: number;
  /** The exit code, or `null` while it runs. */
  readonly code: number | null;
  /** The signal that ended it, or `null`. */
  readonly signal: Deno.Signal | null;
  /** The last lines that it wrote, as far as they were read. */
  readonly lines: readonly string[];

  /**
   * Makes the error.
   *
   * @param reason Why it was not ready.
   * @param details The further details.
   * @param options `cause`: why the last attempt to connect failed.
   */
  constructor(
    reason: NotReadyReason,
    details: NotReadyDetails,
    options?: ErrorOptions,
  ) {
    super(notReadyMessage(reason, details), options);
    this.reason = reason;
    this.command = details.command;
    this.timeout = details.timeout;
    this.code = details.status?.code ?? null;
    this.signal = details.status?.signal ?? null;
    this.lines = details.lines;
  }
}

const SHOWN_LINES = 5;
const SHOWN_LENGTH = 200;

function notReadyMessage(
  reason: NotReadyReason,
  details: NotReadyDetails,
): string {
  const { command, awaited, timeout, status } = details;
  let text = `Command '${command}' `;
  if (reason === "timeout") {
    text +=
      `was not ready within ${timeout} ms (${awaited}); it is still running`;
  } else if (reason === "held") {
    text += `cannot be ready: ${awaited} is held by ${details.holder}`;
  } else if (reason === "closed") {
    text += `closed its output before it was ready (${awaited})`;
  } else if (status?.signal) {
    text += `was ended by ${status.signal} before it was ready (${awaited})`;
  } else {
    text += `exited with code ${status?.code} before it was ready (${awaited})`;
  }
  const last = details.lines.slice(-SHOWN_LINES);
  if (last.length === 0) return text;
  const shown = last.map((line) => "\n  " + line.slice(0, SHOWN_LENGTH));
  return `${text}. It wrote last:${shown.join("")}`;
}

/**
 * A captured stream grew past `maxOutput`; the tree has been ended.
 *
 * @category Errors
 * @example
 * ```ts
 * import { Command, OutputLimitExceeded } from "@killable/process";
 *
 * try {
 *   await new Command(Deno.execPath(), {
 *     args: ["eval", "for (;;) console.log('no end of it')"],
 *     maxOutput: 5,
 *   }).output();
 * } catch (error) {
 *   if (!(error instanceof OutputLimitExceeded)) throw error;
 *   console.log(error.limit, new TextDecoder().decode(error.stdout!)); // 5 no en
 * }
 * ```
 */
export class OutputLimitExceeded extends RangeError implements PartialOutput {
  /** The class's name. */
  override name = "OutputLimitExceeded";
  /** The program. */
  readonly command: string;
  /** The limit, in bytes per stream. */
  readonly limit: number;
  /** The first `maxOutput` bytes of standard output, or `null`. */
  readonly stdout: Uint8Array<ArrayBuffer> | null;
  /** The first `maxOutput` bytes of standard error, or `null`. */
  readonly stderr: Uint8Array<ArrayBuffer> | null;

  /**
   * Makes the error.
   *
   * @param command The program.
   * @param limit The limit, in bytes per stream.
   * @param output The captured output.
   */
  constructor(
    command: string,
    limit: number,
    output: PartialOutput,
  ) {
    super(
      `Command '${command}' wrote more than ${limit} bytes; its process tree was ended. ` +
        `Raise 'maxOutput', set 'outputPolicy' to "head" or "tail", or stream the output with spawn()`,
    );
    this.command = command;
    this.limit = limit;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
  }
}

/**
 * A stop ended without the tree being empty: some members could not be ended. They
 * belong to another user, or are in an uninterruptible wait.
 *
 * @category Errors
 * @example
 * ```ts
 * import { Command, SurvivorsError } from "@killable/process";
 *
 * const child = new Command(Deno.execPath(), {
 *   args: ["eval", "setInterval(() => {}, 1000)"],
 * }).spawn();
 * try {
 *   await child.stop();
 * } catch (error) {
 *   if (!(error instanceof SurvivorsError)) throw error;
 *   for (const { pid, name, reason } of error.survivors) {
 *     console.error(`${name} (${pid}) is still there: ${reason}`);
 *   }
 * }
 * ```
 */
export class SurvivorsError extends Error {
  /** The class's name. */
  override name = "SurvivorsError";
  /** The program whose tree it is. */
  readonly command: string;
  /** The processes that are left, and why. */
  readonly survivors: readonly Survivor[];

  /**
   * Makes the error.
   *
   * @param command The program whose tree it is.
   * @param survivors The processes that are left, and why.
   */
  constructor(
    command: string,
    survivors: readonly Survivor[],
  ) {
    super(
      `Cannot end the process tree of '${command}': ` +
        survivors.map((s) => `${s.pid} (${s.name}): ${s.reason}`).join("; "),
    );
    this.command = command;
    this.survivors = survivors;
  }
}

/**
 * A process that outlives the scope that it was started in.
 *
 * @category Tests
 */
export interface Leftover {
  /** Its number. */
  readonly pid: number;
  /** The name of its program. */
  readonly name: string;
  /** Its command line. */
  readonly command: string;
  /** Which of the two has started it, or its tree. */
  readonly by: "Command" | "Deno.Command";
  /** The stack of the spawn, without the frames of this package; `null`: not seen. */
  readonly stack: string | null;
}

/**
 * Processes live at the end of a scope of `noLeftovers()`; they were ended then.
 *
 * @category Errors
 * @example
 * ```ts
 * import { Command, LeftoversError, noLeftovers } from "@killable/process";
 *
 * try {
 *   await using _ = noLeftovers({ patience: 0 });
 *   new Command(Deno.execPath(), {
 *     args: ["eval", "setInterval(() => {}, 1000)"],
 *   }).spawn();
 * } catch (error) {
 *   if (!(error instanceof LeftoversError)) throw error;
 *   console.log(error.leftovers.length); // 1
 * }
 * ```
 */
export class LeftoversError extends Error {
  /** The class's name. */
  override name = "LeftoversError";
  /** The processes. */
  readonly leftovers: readonly Leftover[];

  /**
   * Makes the error.
   *
   * @param leftovers The processes.
   */
  constructor(leftovers: readonly Leftover[]) {
    const one = leftovers.length === 1;
    super(
      `${leftovers.length} process${
        one ? " outlives its" : "es outlive their"
      } scope. Await or stop ${one ? "it" : "them"}:\n` +
        leftovers.map(describeLeftover).join("\n"),
    );
    this.leftovers = leftovers;
  }
}

function describeLeftover({ pid, command, by, stack }: Leftover): string {
  const place = stack?.split("\n")[0]?.trim() ?? "";
  return `  ${pid} ${command}\n    started by ${by}${
    place === "" ? "" : ` ${place}`
  }`;
}
