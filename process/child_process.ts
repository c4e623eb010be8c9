/**
 * A child process and the tree it leads.
 *
 * @module
 */

import type { Containment, ProcessInfo } from "../backend/containment.ts";
import type { LimitReport, Usage } from "../backend/usage.ts";
import type {
  NativeDescriptor,
  StopReport,
  TerminalSize,
} from "../backend/native.ts";
import { terminalSize } from "./options/attributes.ts";
import {
  type ExpectOptions,
  expectPrompt,
  olderHolder,
  type ReadyOptions,
  type ReadyResult,
  type Starting,
  untilReady,
} from "./ready/ready.ts";
import { type KillOptions, Run, type WaitOptions } from "./run/run.ts";
import {
  type CommandOutput,
  type CommandStatus,
  sample,
  type SampleOptions,
} from "./run/status.ts";
import type { StopOptions } from "./run/stop.ts";
import {
  type ChildDescriptor,
  DescriptorStreams,
  type OutputName,
} from "./stdio/child_output.ts";
import type { LinesOptions, OutputLine } from "./stdio/lines.ts";
import {
  notPiped,
  type SubprocessReadableStream,
  writableTo,
} from "./stdio/streams.ts";

type Inspect = (value: unknown, options?: unknown) => string;

// A child without further descriptors, as most are.
const NO_STREAMS: readonly DescriptorStreams[] = [];
const NO_FDS: Readonly<Record<number, ChildDescriptor>> = Object.freeze({});

/**
 * A running child process, as `Command.spawn()` returns it: what
 * `Deno.ChildProcess` has, and the tree.
 *
 * @category Start a program
 * @example
 * ```ts
 * import { Command } from "@killable/process";
 *
 * await using child = new Command(Deno.execPath(), {
 *   args: ["eval", "setTimeout(() => {}, 60_000)"],
 * }).spawn();
 * const status = await child.wait({ timeout: 100 });
 * console.log(status.timedOut); // true
 * ```
 */
export class ChildProcess implements AsyncDisposable {
  static {
    // `instanceof Deno.ChildProcess` holds, as for a drop-in it must. Every member
    // of that class is overridden here; its constructor never runs. The class is
    // asked for at the first comparison: its code takes Deno a millisecond to load.
    const { prototype } = this;
    const parent = new Proxy({}, {
      getPrototypeOf(): object {
        Object.setPrototypeOf(prototype, Deno.ChildProcess.prototype);
        return Deno.ChildProcess.prototype;
      },
    });
    Object.setPrototypeOf(prototype, parent);
    // `console.log()` shows pid, program and state.
    Object.defineProperty(prototype, Symbol.for("Deno.customInspect"), {
      value(this: ChildProcess, inspect: Inspect, options: unknown): string {
        return this.#inspect(inspect, options);
      },
    });
  }

  readonly #run: Run;
  readonly #streams: readonly DescriptorStreams[];
  #stdin: WritableStream<Uint8Array> | null = null;
  #nextStop: Promise<void> | null = null;
  #resolveStop: () => void = () => {};

  /**
   * The descriptors that were asked for with `fds`, by number: streams for those
   * that are pipes.
   */
  readonly fds: Readonly<Record<number, ChildDescriptor>>;

  /**
   * Not for callers: {@linkcode Command.spawn} makes these.
   *
   * @internal
   */
  constructor(run: Run) {
    if (!(run instanceof Run)) throw new TypeError("Illegal constructor");
    this.#run = run;
    const { fds } = run.native;
    this.#streams = fds.length === 0 ? NO_STREAMS : streamsOf(fds);
    this.fds = fds.length === 0 ? NO_FDS : byNumber(this.#streams);
  }

  /** Process id of the child. */
  get pid(): number {
    return this.#run.native.pid;
  }

  /** The mechanism that holds the tree, and what it guarantees. */
  get containment(): Containment {
    return this.#run.native.containment;
  }

  /**
   * The child's standard input.
   *
   * @throws {TypeError} when it is not piped.
   */
  get stdin(): WritableStream<Uint8Array> {
    const { native, control } = this.#run;
    if (native.stdin === null || control.input !== null) {
      throw notPiped("stdin");
    }
    return this.#stdin ??= writableTo(native.stdin);
  }

  /**
   * The child's standard output.
   *
   * @throws {TypeError} when it is not piped.
   */
  get stdout(): SubprocessReadableStream {
    const { stdout } = this.#run.outputs;
    if (stdout === null) throw notPiped("stdout");
    return stdout.ask();
  }

  /**
   * The child's standard error.
   *
   * @throws {TypeError} when it is not piped.
   */
  get stderr(): SubprocessReadableStream {
    const { stderr } = this.#run.outputs;
    if (stderr === null) throw notPiped("stderr");
    return stderr.ask();
  }

  /**
   * Resolves when the child has exited; never rejects. Descendants may live on:
   * see {@linkcode ChildProcess.treeExited}, {@linkcode ChildProcess.wait},
   * {@linkcode ChildProcess.stop}.
   */
  get status(): Promise<CommandStatus> {
    return this.#run.status;
  }

  /**
   * Resolves when the child and everything it started is gone.
   *
   * With the containment `process-group` (macOS), what has left the group is not
   * waited for.
   */
  get treeExited(): Promise<void> {
    return this.#run.treeExited;
  }

  /**
   * Sends one signal, to the tree. A child that is already gone is no error.
   *
   * Windows: every signal that ends a process ends the tree at once.
   *
   * @param signo A signal's name or number; 0 only checks the arguments.
   * @param options Whether the leader alone is meant.
   * @throws {TypeError} when this OS does not know the signal.
   * @throws {SurvivorsError} when a member of the tree may not be signalled.
   *
   * @default {"SIGTERM"} for `signo`
   */
  kill(signo: Deno.Signal | number = "SIGTERM", options?: KillOptions): void {
    this.#run.kill(signo, options);
  }

  /**
   * Ends the tree: soft signal, grace, hard kill; resolves when every process of
   * it is gone. A stop that is already under way is joined; a shorter grace
   * shortens its.
   *
   * Windows has no signals: the soft one is Ctrl-C, Ctrl-Break or a close of
   * windows; `signal` of the report says which. A tree that can be given none of
   * them is ended at once.
   *
   * @param options Signal and grace.
   * @returns What it took.
   * @throws {SurvivorsError} when something could not be ended; it names it.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * const child = new Command(Deno.execPath(), {
   *   args: ["eval", "setTimeout(() => {}, 60_000)"],
   * }).spawn();
   * const report = await child.stop({ grace: 1000 });
   * console.log(report.survivors); // 0
   * ```
   */
  async stop(options: StopOptions = {}): Promise<StopReport> {
    return await this.#run.stop(options);
  }

  /**
   * Waits for the child to exit. When the time is up, its tree is ended, and the
   * status says so. What the child left behind when it exited is ended as well.
   *
   * @param options Timeout, grace, and whether the leader alone is meant.
   * @returns How the child ended.
   * @throws {SurvivorsError} when something could not be ended; it names it.
   */
  async wait(options: WaitOptions = {}): Promise<CommandStatus> {
    return await this.#run.wait(options);
  }

  /**
   * Collects what the child writes until it has exited, and its status. What the
   * child left behind when it exited is ended, so that a descendant that holds a
   * pipe does not hold up the caller.
   *
   * @returns Status and output.
   * @throws {TypeError} when a stream is locked.
   * @throws {OutputLimitExceeded} when a stream grew past `maxOutput`.
   * @throws {SurvivorsError} when something could not be ended; it names it.
   */
  async output(): Promise<CommandOutput> {
    return await this.#run.output();
  }

  /**
   * The lines of standard output, or of standard error, without their `\n` or
   * `\r\n`. A last line without an end counts; a `\r` alone ends no line; what is
   * no UTF-8 becomes U+FFFD.
   *
   * Lines are read as they are taken, so a slow loop slows the child down.
   * Leaving the loop ends nothing and loses nothing: the rest can be read from
   * the stream, or by the next `lines()`.
   *
   * @param options Which output, and the longest line.
   * @returns The lines.
   * @throws {TypeError} when the output is not piped; at the first step, when it is locked.
   * @throws {RangeError} when `maxLineLength` is out of range.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using child = new Command(Deno.execPath(), {
   *   args: ["eval", "console.log('one'); console.log('two')"],
   *   stdout: "piped",
   * }).spawn();
   * for await (const line of child.lines()) console.log(line); // one, then two
   * ```
   */
  lines(
    options?: LinesOptions & { stream?: OutputName },
  ): AsyncIterableIterator<string, void, void>;
  /**
   * The lines of both outputs, each with the name of the output it came from, in
   * the order in which they arrive.
   *
   * @param options `stream: "both"`, and the longest line.
   * @returns The lines; of one output, when only one is piped.
   * @throws {TypeError} when no output is piped; at the first step, when one is locked.
   * @throws {RangeError} when `maxLineLength` is out of range.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using child = new Command(Deno.execPath(), {
   *   args: ["eval", "console.log('fine'); console.error('not fine')"],
   *   stdout: "piped",
   *   stderr: "piped",
   * }).spawn();
   * for await (const { stream, line } of child.lines({ stream: "both" })) {
   *   console.log(`${stream}: ${line}`);
   * }
   * ```
   */
  lines(
    options: LinesOptions & { stream: "both" },
  ): AsyncIterableIterator<OutputLine, void, void>;
  lines(
    options: LinesOptions = {},
  ): AsyncIterableIterator<string | OutputLine, void, void> {
    return this.#run.outputs.lines(options);
  }

  /**
   * Waits until the child is ready: it has written a line, accepts connections on
   * a port, answers a request, or has made a file.
   *
   * The output up to the line that matched is consumed; what follows can be read.
   * Output without a reader is thrown away from then on, so that it does not block
   * the child: see `drain`. With `port`, `url` or `file` that means all of it.
   *
   * @param options What to wait for, and for how long.
   * @returns The line and its match, and how long it took.
   * @throws {NotReadyError} when the child exits before, or closes its output, or
   * when the time is up: it goes on running then. The last lines are attached.
   * @throws {TypeError} for invalid options, or when an output is not piped, or locked.
   * @throws {Deno.errors.NotCapable} without `--allow-net` for `port` and `url`, or
   * `--allow-read` for `file`.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using server = new Command(Deno.execPath(), {
   *   args: ["eval", "console.log('listening on 8080'); setInterval(() => {}, 1000)"],
   *   stdout: "piped",
   * }).spawn();
   * const { groups } = await server.ready({ line: /listening on (?<port>\d+)/ });
   * console.log(groups.port); // 8080
   * ```
   */
  async ready(options: ReadyOptions): Promise<ReadyResult> {
    const result = await untilReady(startingOf(this.#run), options);
    this.#run.events?.tell({ type: "ready" });
    return result;
  }

  /**
   * Waits for a prompt, and answers it: a dialogue is a few of these in a row. The
   * output up to the prompt is consumed, what follows is kept for the next one.
   *
   * @param prompt A part of a line, finished or not, or a pattern.
   * @param answer What is written to the child's stdin: text, with an end of line behind
   * it, or bytes as they are. Nothing by default.
   * @param options Milliseconds to wait at most (default 30000), and where to look.
   * @returns The line and its match, and how long it took.
   * @throws {NotReadyError} as {@linkcode ChildProcess.ready} does.
   * @throws {TypeError} for invalid options, or when stdin or the output is not piped.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using child = new Command("sh", {
   *   args: ["-c", "printf 'name? '; read name; echo hello $name"],
   *   stdin: "piped",
   *   stdout: "piped",
   * }).spawn();
   * await child.expect("name?", "Ada");
   * const { line } = await child.expect(/hello/);
   * console.log(line.trim()); // hello Ada
   * ```
   */
  async expect(
    prompt: string | RegExp,
    answer?: string | Uint8Array,
    options: ExpectOptions = {},
  ): Promise<ReadyResult & { readonly line: string }> {
    return await expectPrompt(
      startingOf(this.#run),
      answer === undefined ? null : this.stdin,
      { prompt, answer, options },
    );
  }

  /**
   * Whether the child has the terminal that this process runs on: it was started
   * with `foreground`, there is a terminal, and the child is not stopped. Always
   * false on Windows.
   */
  get foreground(): boolean {
    return this.#run.native.foreground;
  }

  /**
   * Waits until job control stops a `foreground` child: Ctrl-Z, or the signal that
   * a terminal sends to a background process. The terminal is this process's again
   * then, with its modes, until {@linkcode ChildProcess.resume} lets the child go on.
   *
   * A program that never calls this is stopped together with its child, as if they
   * shared the terminal, so that the user's shell is there again; `fg` continues
   * both. From the first call on it is the program's to decide.
   *
   * Windows has no job control: resolves at the exit.
   *
   * @returns The signal; at once when the child is stopped already; `null` when it
   * has exited.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * const child = new Command(Deno.execPath(), { args: ["eval", ""], foreground: true }).spawn();
   * while (await child.jobStopped() !== null) {
   *   console.log("Stopped: the terminal is ours. Going on.");
   *   child.resume();
   * }
   * console.log((await child.status).code); // 0
   * ```
   */
  async jobStopped(): Promise<Deno.Signal | null> {
    const { native } = this.#run;
    this.#run.onExit ??= () => this.#announceStop();
    native.onStop ??= () => this.#announceStop();
    for (;;) {
      const signal = native.stoppedBy();
      if (signal !== null || native.exitStatus(false) !== null) return signal;
      await (this.#nextStop ??= new Promise((resolve) => {
        this.#resolveStop = resolve;
      }));
    }
  }

  /**
   * Tells the pseudo-terminal of a child that was started with `pty` its size. The
   * child hears of it by SIGWINCH. Linux only.
   *
   * @param size Columns and rows.
   * @throws {TypeError} when the child has no pseudo-terminal.
   * @throws {RangeError} for a size out of range.
   */
  resize(size: TerminalSize): void {
    const checked = terminalSize(size, "size");
    if (this.#run.native.resizeTerminal(checked)) return;
    throw new TypeError(
      "Cannot resize: the child has no pseudo-terminal; start it with 'pty'",
    );
  }

  /**
   * The living processes of the tree, without the child itself. With the
   * containment `process-group` (macOS), what has left the group may be missing.
   *
   * @returns Each with pid, parent, command, state and start time.
   */
  descendants(): ProcessInfo[] {
    return this.#run.native.descendants();
  }

  /**
   * Stops every process of the tree until as many {@linkcode ChildProcess.resume}
   * have been called: with SIGSTOP, or the freezer of its cgroup; on Windows with
   * `NtSuspendProcess`.
   */
  suspend(): void {
    this.#run.native.suspendTree();
  }

  /**
   * Undoes one {@linkcode ChildProcess.suspend}, or the stop of a `foreground`
   * child, which gets the terminal again.
   */
  resume(): void {
    this.#run.native.resumeTree();
  }

  /** What holds each of the `limits` that were asked for; empty without any. */
  get limits(): readonly LimitReport[] {
    return this.#run.limits?.reports() ?? [];
  }

  /**
   * What the child and its tree have used so far: a look now, or, when all of it
   * has ended, what it used in all.
   *
   * @returns The figures; `null` for those that this system does not tell.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using child = new Command(Deno.execPath(), {
   *   args: ["eval", "setTimeout(() => {}, 60_000)"],
   * }).spawn();
   * console.log(child.usage().tree.processes); // 1
   * ```
   */
  usage(): Usage {
    return this.#run.native.usage("full");
  }

  /**
   * Usage from time to time, for a plot: the first at once, the last when the
   * tree has ended, which ends the iteration.
   *
   * @param options How often.
   * @returns The figures, with the time since the start in `elapsed`.
   * @throws {TypeError} when `interval` is no number.
   * @throws {RangeError} when `interval` is less than 1 millisecond.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * const child = new Command(Deno.execPath(), { args: ["eval", "0"] }).spawn();
   * for await (const { elapsed, tree } of child.sample({ interval: 50 })) {
   *   console.log(elapsed, tree.memory);
   * }
   * ```
   */
  sample(options: SampleOptions = {}): AsyncIterableIterator<Usage> {
    return sample(this.#run.native, this.#run.status, options);
  }

  /**
   * The exit code when the child has exited, else `null`: one look, without waiting,
   * as Python's `poll()`.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using child = new Command(Deno.execPath(), {
   *   args: ["eval", "setTimeout(() => {}, 60_000)"],
   * }).spawn();
   * console.log(child.exitCode); // null
   * ```
   */
  get exitCode(): number | null {
    return this.#run.native.exitStatus(true)?.code ?? null;
  }

  #inspect(inspect: Inspect, options: unknown): string {
    const { native, control } = this.#run;
    const exit = native.exitStatus(false);
    const shown = {
      pid: native.pid,
      command: control.command,
      state: exit === null ? "running" : "exited",
      ...(exit === null ? {} : { code: exit.code, signal: exit.signal }),
      containment: native.containment.mechanism,
    };
    return `ChildProcess ${inspect(shown, options)}`;
  }

  /** The living child holds the event loop; the default. */
  ref(): void {
    this.#run.hold(true);
  }

  /** The living child no longer holds the event loop. */
  unref(): void {
    this.#run.hold(false);
  }

  /** Stops the tree: the end of an `await using` scope leaves nothing running. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run.dispose(this.#stdin === null);
    for (let i = 0; i < this.#streams.length; i++) this.#streams[i]?.release();
    await this.#run.native.settled();
  }

  #announceStop(): void {
    this.#nextStop = null;
    this.#resolveStop();
  }
}

function streamsOf(fds: readonly NativeDescriptor[]): DescriptorStreams[] {
  const streams: DescriptorStreams[] = [];
  for (let i = 0; i < fds.length; i++) {
    streams[i] = new DescriptorStreams(fds[i] as NativeDescriptor);
  }
  return streams;
}

function byNumber(
  streams: readonly DescriptorStreams[],
): Record<number, ChildDescriptor> {
  const fds: Record<number, ChildDescriptor> = {};
  for (let i = 0; i < streams.length; i++) {
    const one = streams[i] as DescriptorStreams;
    fds[one.number] = one;
  }
  return fds;
}

function startingOf({ control, outputs, status, native }: Run): Starting {
  return {
    command: control.command,
    outputs: outputs.piped,
    status,
    olderHolder: (port) => olderHolder(native, port),
  };
}
