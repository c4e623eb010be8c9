/**
 * The run of a `run` command: the causes that may stop it, and its outcome.
 *
 * @module
 */

import type { ForegroundTerminal } from "../../posix/stdio/pty.ts";
import type { ChildProcess } from "../../process/child_process.ts";
import type { ProcessEventHook } from "../../process/run/events.ts";
import type { CommandStatus } from "../../process/run/status.ts";
import type { StopReport } from "../../backend/native.ts";
import { Command } from "../library.ts";
import { Output, STALLED_MS } from "../terminal/output.ts";
import { IdleWatch, passOn } from "./idle_watch.ts";
import type { EndReason } from "./run_report.ts";
import type { RunRequest } from "./run_request.ts";
import { PausableTimer, stopSelf } from "./pausable_timer.ts";
import { ignoredSignals, PASSED_SIGNALS } from "./signal_relay.ts";
import { StopProgress } from "./stop_progress.ts";

/**
 * Starts the command of a `run`.
 *
 * @param request The request.
 * @param terminal The terminal that this program has, or `null`.
 * @param onEvent Takes what happens, or `null`.
 * @returns The child.
 */
export function startCommand(
  request: RunRequest,
  terminal: ForegroundTerminal | null,
  onEvent: ProcessEventHook | null,
): ChildProcess {
  const piped = isPiped(request);
  return new Command(request.command, {
    args: request.args,
    ...(request.cwd === null ? {} : { cwd: request.cwd }),
    env: request.env,
    clearEnv: request.clearEnv,
    containment: request.containment,
    require: request.require,
    ...(request.limits === null ? {} : { limits: request.limits }),
    stdin: request.stopOnStdinEof ? "null" : "inherit",
    stdout: piped ? "piped" : "inherit",
    stderr: piped ? "piped" : "inherit",
    stopSignal: request.signal,
    mainFirst: request.mainFirst,
    grace: request.grace,
    processGroup: sharesGroup(request, terminal) ? "inherit" : "auto",
    ...(onEvent === null ? {} : { onEvent }),
  }).spawn();
}

// A command whose input is a pipe may still ask for a password on /dev/tty, as ssh
// does: in our group it is in the foreground, as from the plain shell. A shell makes
// its background jobs deaf to SIGINT; in our group Ctrl-C would reach the command.
function sharesGroup(
  request: RunRequest,
  terminal: ForegroundTerminal | null,
): boolean {
  return terminal !== null && !request.stopOnStdinEof &&
    !ignoredSignals().has("SIGINT");
}

function isPiped({ idleTimeout, limits }: RunRequest): boolean {
  return idleTimeout < Infinity || limits?.output !== undefined;
}

/** One run: the causes that may stop it, and its outcome. */
export class Supervisor {
  readonly #request: RunRequest;
  readonly #began = performance.now();
  readonly #terminal: ForegroundTerminal | null;
  readonly #idle: IdleWatch;
  #timer: PausableTimer | null = null;
  #child: ChildProcess | null = null;
  #exited = false;
  // The tree is gone: only the reader of the output is waited for.
  #over = false;
  #sharesTerminal = false;
  // A signal came during the last stop.
  #hurried = false;
  #stop: Promise<StopReport | Error> | null = null;
  #progress: StopProgress | null = null;
  readonly #stuck = Promise.withResolvers<null>();
  /** Why it ended. */
  reason: EndReason = "exited";
  /** Milliseconds until the tree was gone. */
  elapsed = 0;
  /** The outputs. */
  readonly output: Output = new Output();
  /** A signal that came when only the reader was still waited for. */
  late: Deno.Signal | null = null;

  /**
   * @param request The request.
   * @param terminal The terminal that this program has, or `null`.
   */
  constructor(request: RunRequest, terminal: ForegroundTerminal | null) {
    this.#request = request;
    this.#terminal = terminal;
    this.#idle = new IdleWatch(
      request.idleTimeout,
      () => this.#end("idle"),
    );
  }

  /** Milliseconds in which a reader has to take something. */
  get patience(): number {
    return this.reason === "exited" && !this.#hurried ? Infinity : STALLED_MS;
  }

  /** A signal to this program. */
  heard(signal: Deno.Signal): void {
    if (signal === "SIGTSTP") return this.#suspend();
    if (PASSED_SIGNALS.includes(signal)) return this.#pass(signal);
    if (this.#over) {
      this.late ??= signal;
      return this.output.abandon();
    }
    if (this.#stop !== null) {
      this.#progress?.escalated();
      this.#hurried = true;
      this.#beginStop({ grace: 0 });
      return;
    }
    // The terminal has sent these to the command as well, if it shares it: a
    // second one would be too many, and a prompt outlives its Ctrl-C.
    const typed = signal === "SIGINT" || signal === "SIGQUIT";
    const shared = this.#sharesTerminal && this.#terminal?.ours !== false;
    if (!typed || !shared) this.#end("signal", signal);
  }

  #pass(signal: Deno.Signal): void {
    try {
      this.#child?.kill(signal, { tree: false });
    } catch (error) {
      this.output.say(`killable run: ${(error as Error).message}`);
    }
  }

  // A command that shares our group got the signal as well.
  #suspend(): void {
    const stands = !this.#request.countSuspended;
    if (stands) {
      this.#timer?.pause();
      this.#idle.pause();
    }
    if (!this.#sharesTerminal) this.#child?.suspend();
    stopSelf();
    if (!this.#sharesTerminal) this.#child?.resume();
    if (stands) {
      this.#timer?.resume();
      this.#idle.resume();
    }
  }

  /** Resolves when the tree is gone. */
  async watch(
    child: ChildProcess,
  ): Promise<{ status: CommandStatus | null; stop: StopReport | Error }> {
    this.#child = child;
    const { timeout, stopOnStdinEof } = this.#request;
    this.#sharesTerminal = child.containment.mechanism !== "process-group" &&
      (sharesGroup(this.#request, this.#terminal) ||
        !stopOnStdinEof && Deno.stdin.isTerminal());
    this.#timer = new PausableTimer(timeout, () => this.#end("timeout"));
    if (stopOnStdinEof) watchStdin(() => this.#end("stdin-eof"));
    const passed = isPiped(this.#request) ? this.#passOutput(child) : null;
    const status = await this.#statusOf(child);
    this.#exited = true;
    if (status !== null && status.limit !== null) this.reason = "limit";
    this.#timer.clear();
    const stop = await (this.#stop ??= this.#runStop({}));
    this.#over = true;
    this.#idle[Symbol.dispose]();
    this.elapsed = performance.now() - this.#began;
    // A program that was killed has not put the terminal back in order.
    if (this.reason !== "exited" || status?.signal !== null) {
      this.#terminal?.restoreModes();
    }
    if (passed !== null) await this.output.keepsUp(passed, this.patience);
    return { status, stop };
  }

  // A command that could not be ended may never have a status.
  async #statusOf(child: ChildProcess): Promise<CommandStatus | null> {
    const { promise } = this.#stuck;
    return await Promise.race([child.status, promise]);
  }

  async #passOutput(child: ChildProcess): Promise<void> {
    await Promise.all([
      passOn(child.stdout, this.output, "stdout", this.#idle),
      passOn(child.stderr, this.output, "stderr", this.#idle),
    ]);
  }

  // The first reason counts.
  #end(reason: EndReason, signal?: Deno.Signal): void {
    if (this.#child === null || this.#exited || this.#stop !== null) return;
    this.reason = reason;
    this.#beginStop(signal === undefined ? {} : { signal });
  }

  #beginStop(options: { signal?: Deno.Signal; grace?: number }): void {
    const stop = this.#runStop(options);
    this.#stop ??= stop;
  }

  // Never rejects: survivors are part of the outcome.
  async #runStop(
    options: { signal?: Deno.Signal; grace?: number },
  ): Promise<StopReport | Error> {
    const child = this.#child!;
    using progress = new StopProgress(
      () => this.#members(child),
      options.grace ?? this.#request.grace,
    );
    this.#progress ??= progress;
    try {
      return await child.stop(options);
    } catch (error) {
      this.#stuck.resolve(null);
      return error as Error;
    }
  }

  #members(child: ChildProcess): { pid: number; name: string }[] {
    const name = this.#request.command.replace(/.*[\\/]/, "");
    const leader = { pid: child.pid, name };
    return [...this.#exited ? [] : [leader], ...child.descendants()];
  }
}

/**
 * Standard input as a lifeline: its bytes are thrown away, its end matters.
 *
 * @param ended Called once, when it has ended or cannot be read.
 */
export async function watchStdin(ended: () => void): Promise<void> {
  const buffer = new Uint8Array(65536);
  try {
    while (await Deno.stdin.read(buffer) !== null);
  } catch {
    // A terminal that has gone gives EIO: that is an end as well.
  }
  ended();
}
