/**
 * The run of a `timeout` command: its clock, its signals, its end.
 *
 * @module
 */

import type { ChildProcess } from "../../process/child_process.ts";
import { signalName, signalNumber } from "../../backend/signals.ts";
import { Timer } from "../../backend/timer.ts";
import { isGranted } from "../is_granted.ts";
import { Command } from "../library.ts";
import { Output } from "../terminal/output.ts";
import { shortSignalName, SIGNALS } from "../arguments/signal_operand.ts";

const SIGKILL = SIGNALS["SIGKILL"] as number;
// The time that the processes left behind by COMMAND get after a soft signal. Before
// it, where COMMAND was signalled, they have a moment to end by the signal that they
// may have got as well: a second one would look like impatience.
const LEFTOVER_GRACE = 5000;
const LEFTOVER_PEACE = 1000;

/** The request. */
export interface TimeoutRequest {
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Milliseconds, 0 for none, or Infinity. */
  readonly timeout: number;
  /** The number of the signal when time is up. */
  readonly signal: number;
  /** Milliseconds from the first signal to SIGKILL, 0 for none. */
  readonly killAfter: number;
  /** Whether it stays in our process group and is signalled alone. */
  readonly foreground: boolean;
  /** Whether its status counts also when time was up. */
  readonly preserveStatus: boolean;
  /** Whether signals are told of. */
  readonly verbose: boolean;
}

/** One run. */
export class TimeoutWatch {
  readonly #request: TimeoutRequest;
  #child: ChildProcess | null = null;
  #timer: Timer | null = null;
  #killTimer: Timer | null = null;
  #signalled = false;
  #exited = false;
  // The number of the child's process group, where it has one of its own.
  #group: number | null = null;
  #sharesTerminal = false;
  /** Whether time was up. */
  timedOut = false;
  /** Where messages go: a reader that stalls delays no signal. */
  readonly output: Output = new Output();

  /** @param request The request. */
  constructor(request: TimeoutRequest) {
    this.#request = request;
  }

  /** Starts the command and the clock. Throws as spawn() does. */
  start(): void {
    const { command, args, foreground, timeout, killAfter } = this.#request;
    // A command that reads the terminal has to be in its foreground group: ours.
    const shared = foreground || Deno.stdin.isTerminal();
    this.#child = new Command(command, {
      args,
      // When this program is killed, the tree has as long as it would have here.
      ...(killAfter > 0 ? { grace: killAfter } : {}),
      processGroup: foreground ? "inherit" : shared ? "auto" : "own",
    }).spawn();
    this.#sharesTerminal = Deno.stdin.isTerminal() &&
      this.#child.containment.mechanism !== "process-group";
    if (!shared && Deno.build.os !== "windows") this.#group = this.#child.pid;
    const limit = timeout === 0 ? Infinity : timeout;
    this.#timer = new Timer(limit, () => this.#expire(this.#request.signal));
  }

  /** A signal to this program. */
  heard(signal: Deno.Signal): void {
    // The terminal has sent these to the command as well, if it shares it.
    const typed = signal === "SIGINT" || signal === "SIGQUIT";
    if (typed && this.#sharesTerminal) return;
    // SIGALRM tells GNU timeout that time is up.
    if (signal === "SIGALRM") this.#expire(this.#request.signal);
    else this.#send(signalNumber(SIGNALS, signal));
  }

  /** Resolves when the command and the processes it left behind have ended. */
  async ended(): Promise<{ code: number; signal: Deno.Signal | null }> {
    const child = this.#child!;
    const status = await child.status;
    this.#exited = true;
    this.#timer?.clear();
    this.#killTimer?.clear();
    if (this.#signalled) await within(child.treeExited, LEFTOVER_PEACE);
    try {
      await child.stop({ grace: LEFTOVER_GRACE });
    } catch (error) {
      this.output.say(`timeout: warning: ${(error as Error).message}`);
    }
    return status;
  }

  #expire(signal: number): void {
    this.timedOut = true;
    this.#send(signal);
  }

  #send(signal: number): void {
    const { killAfter, verbose, command } = this.#request;
    if (killAfter > 0) {
      this.#killTimer ??= new Timer(killAfter, () => this.#expire(SIGKILL));
    }
    if (verbose) {
      const name = shortSignalName(signal);
      this.output.say(
        `timeout: sending signal ${name} to command '${command}'`,
      );
    }
    this.#signalled = true;
    this.#deliver(signal);
    const wakes = signal !== SIGKILL && signal !== SIGNALS["SIGCONT"];
    if (wakes && SIGNALS["SIGCONT"] !== undefined) {
      this.#deliver(SIGNALS["SIGCONT"]);
    }
  }

  // SIGKILL goes to the whole tree. Another signal goes to the process group, as
  // GNU timeout sends it: a process with a group of its own, a shell's job or
  // another timeout, is told by its parent, and ended with the rest.
  #deliver(signal: number): void {
    const child = this.#child;
    if (child === null || this.#exited) return;
    const name = signalName(SIGNALS, signal) ?? signal;
    try {
      if (this.#request.foreground) child.kill(name, { tree: false });
      else if (signal === SIGKILL) child.kill(name);
      else if (!this.#killGroup(name)) child.kill(name);
    } catch (error) {
      // One that may not be signalled: the others were.
      this.output.say(`timeout: warning: ${(error as Error).message}`);
    }
  }

  // The number is the leader's, which has not been waited for as long as its
  // status is not known: it cannot be another process's.
  #killGroup(signal: Deno.Signal | number): boolean {
    if (this.#group === null || typeof signal === "number") return false;
    // Deno.kill() needs --allow-run for everything.
    if (!isGranted({ name: "run" })) return false;
    try {
      Deno.kill(-this.#group, signal);
    } catch (error) {
      // All of it has just ended.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return true;
  }
}

/** Resolves when a promise has, or a time is over. */
async function within(promise: Promise<void>, ms: number): Promise<void> {
  let timer: Timer | null = null;
  const over = new Promise<void>((resolve) => timer = new Timer(ms, resolve));
  await Promise.race([promise, over]);
  (timer as Timer | null)?.clear();
}
