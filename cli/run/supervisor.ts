/**
 * The run of a `run` command: what may stop it, and how it ended.
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";
import type { ChildProcess } from "../../process/child_process.ts";
import type { CommandStatus, StopReport } from "../../process/run/status.ts";
import { Command } from "../library.ts";
import { IdleWatch, passOn } from "./idle_watch.ts";
import type { EndReason } from "./run_report.ts";
import type { RunRequest } from "./run_request.ts";
import { StopProgress } from "./stop_progress.ts";

/**
 * Starts the command of a `run`.
 *
 * @param request What was asked for.
 * @returns The child.
 */
export function startCommand(request: RunRequest): ChildProcess {
  const piped = isPiped(request);
  return new Command(request.command, {
    args: request.args,
    ...(request.cwd === null ? {} : { cwd: request.cwd }),
    env: request.env,
    clearEnv: request.clearEnv,
    containment: request.containment,
    ...(request.limits === null ? {} : { limits: request.limits }),
    stdin: request.stopOnStdinEof ? "null" : "inherit",
    stdout: piped ? "piped" : "inherit",
    stderr: piped ? "piped" : "inherit",
    stopSignal: request.signal,
    grace: request.grace,
  }).spawn();
}

function isPiped({ idleTimeout, limits }: RunRequest): boolean {
  return idleTimeout < Infinity || limits?.output !== undefined;
}

/** One run: what may stop it, and how it ended. */
export class Supervisor {
  readonly #request: RunRequest;
  readonly #began = performance.now();
  #child: ChildProcess | null = null;
  #exited = false;
  #sharesTerminal = false;
  #stop: Promise<StopReport | Error> | null = null;
  #progress: StopProgress | null = null;
  /** Why it ended. */
  reason: EndReason = "exited";
  /** Milliseconds until the tree was gone. */
  elapsed = 0;

  /** @param request What was asked for. */
  constructor(request: RunRequest) {
    this.#request = request;
  }

  /** A signal to this program. */
  heard(signal: Deno.Signal): void {
    if (this.#stop !== null) {
      this.#progress?.escalated();
      this.#beginStop({ grace: 0 });
      return;
    }
    // The terminal has sent these to the command as well, if it shares it: a
    // second one would be too many, and a prompt outlives its Ctrl-C.
    const typed = signal === "SIGINT" || signal === "SIGQUIT";
    if (!typed || !this.#sharesTerminal) this.#end("signal", signal);
  }

  /** Resolves when the tree is gone. */
  async watch(
    child: ChildProcess,
  ): Promise<{ status: CommandStatus; stop: StopReport | Error }> {
    this.#child = child;
    const { timeout, stopOnStdinEof } = this.#request;
    this.#sharesTerminal = !stopOnStdinEof && Deno.stdin.isTerminal() &&
      child.containment.mechanism !== "process-group";
    const timer = new Timer(timeout, () => this.#end("timeout"));
    if (stopOnStdinEof) watchStdin(() => this.#end("stdin-eof"));
    const output = isPiped(this.#request) ? this.#passOutput(child) : null;
    const status = await child.status;
    this.#exited = true;
    if (status.limit !== null) this.reason = "limit";
    timer.clear();
    const stop = await (this.#stop ??= this.#runStop({}));
    await output;
    this.elapsed = performance.now() - this.#began;
    return { status, stop };
  }

  async #passOutput(child: ChildProcess): Promise<void> {
    const { idleTimeout } = this.#request;
    using idle = new IdleWatch(idleTimeout, () => this.#end("idle"));
    await Promise.all([
      passOn(child.stdout, Deno.stdout, () => idle.touch()),
      passOn(child.stderr, Deno.stderr, () => idle.touch()),
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

  // Never rejects: what could not be ended is the outcome.
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
 * Standard input as a lifeline: what comes is thrown away, its end matters.
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
