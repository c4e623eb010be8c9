/**
 * The outputs of one run: standard output and standard error with all that looks
 * at them on the way (a limit, an idle timeout, a tee), and their capture.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import type { ByteSource, NativeProcess } from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import { checkOptions, type Known, lineLength, oneOf } from "../validate.ts";
import {
  Capture,
  ChildOutput,
  type OutputName,
  type OutputPolicy,
  Tee,
  type TeeTarget,
} from "./child_output.ts";
import {
  DEFAULT_MAX_LINE_LENGTH,
  linesOf,
  type LinesOptions,
  type OutputLine,
  taggedLinesOf,
} from "./lines.ts";
import { notPiped } from "./streams.ts";

/** The default of `maxOutput`, in bytes. */
export const DEFAULT_MAX_OUTPUT: number = 256 * 1024 * 1024;

/** Where output goes, and how much of it is kept. */
export interface OutputControl {
  /** Milliseconds without output, or Infinity. */
  readonly idleTimeout: number;
  /** Where output goes besides, or `null`. */
  readonly tee: TeeTarget | null;
  /** Bytes per stream that a capture keeps. */
  readonly maxOutput: number;
  /** What happens beyond it. */
  readonly outputPolicy: OutputPolicy;
}

/** The run that is told what its outputs come to. */
export interface OutputEvents {
  /** Nothing was written for the idle timeout. */
  idle(): void;
  /** A capture has more than `maxOutput` bytes, and that is an error. */
  overflowed(): void;
  /** The tee, or the reading of a pipe, has failed. */
  failed(error: unknown): void;
}

const LINES_OPTIONS: Known<LinesOptions> = {
  stream: true,
  maxLineLength: true,
};
const LINE_STREAMS = ["stdout", "stderr", "both"] as const;

/** What two streams were captured in. */
export interface Captured {
  /** Standard output, or `null` when it is not piped. */
  readonly stdout: Capture | null;
  /** Standard error, or `null` when it is not piped. */
  readonly stderr: Capture | null;
}

/**
 * The captures of a run.
 *
 * @param control How much to keep.
 * @param stdout Whether standard output is piped.
 * @param stderr Whether standard error is piped.
 * @returns Empty captures of the streams that are piped.
 */
export function newCaptures(
  control: OutputControl,
  stdout: boolean,
  stderr: boolean,
): Captured {
  const { maxOutput, outputPolicy } = control;
  const { memory } = backend();
  const make = (piped: boolean): Capture | null =>
    piped ? new Capture(maxOutput, outputPolicy, memory) : null;
  return { stdout: make(stdout), stderr: make(stderr) };
}

/** The two outputs of a child, as far as they are piped. */
export class Outputs {
  /** Standard output, or `null` when it is not piped. */
  readonly stdout: ChildOutput | null;
  /** Standard error, or `null` when it is not piped. */
  readonly stderr: ChildOutput | null;
  readonly #control: OutputControl;
  readonly #events: OutputEvents;
  readonly #idle: IdleClock | null;
  readonly #tee: Tee | null;

  /**
   * @param pipes The pipes from the child.
   * @param control Where output goes.
   * @param budget What may still be written, or `null`.
   * @param events Told what the outputs come to.
   */
  constructor(
    pipes: Pick<NativeProcess, "stdout" | "stderr">,
    control: OutputControl,
    budget: OutputBudget | null,
    events: OutputEvents,
  ) {
    this.#control = control;
    this.#events = events;
    this.#idle = control.idleTimeout === Infinity
      ? null
      : new IdleClock(control.idleTimeout, () => events.idle());
    this.#tee = control.tee === null
      ? null
      : new Tee(control.tee, (error) => events.failed(error));
    this.stdout = this.#output("stdout", pipes.stdout, budget);
    this.stderr = this.#output("stderr", pipes.stderr, budget);
  }

  #output(
    name: OutputName,
    pipe: ByteSource | null,
    budget: OutputBudget | null,
  ): ChildOutput | null {
    if (pipe === null) return null;
    // The limit first: bytes beyond it are shown nowhere.
    let source = budget === null ? pipe : new BudgetedSource(pipe, budget);
    if (this.#idle !== null || this.#tee !== null) {
      source = new ObservedSource(source, name, this.#idle, this.#tee);
    }
    return new ChildOutput(name, source);
  }

  /** The outputs that are piped. */
  get piped(): ChildOutput[] {
    const outputs: ChildOutput[] = [];
    if (this.stdout !== null) outputs[outputs.length] = this.stdout;
    if (this.stderr !== null) outputs[outputs.length] = this.stderr;
    return outputs;
  }

  /**
   * The lines of one output, or of both: see `ChildProcess.lines()`.
   *
   * @param options Which, and the longest line.
   * @returns The lines.
   * @throws {TypeError} when the output is not piped.
   * @throws {RangeError} when `maxLineLength` is out of range.
   */
  lines(
    options: LinesOptions,
  ): AsyncIterableIterator<string | OutputLine, void, void> {
    checkOptions(options, "lines()", LINES_OPTIONS);
    const stream = oneOf(options.stream, "stream", LINE_STREAMS);
    const max = lineLength(options.maxLineLength, DEFAULT_MAX_LINE_LENGTH);
    if (stream === "both") {
      const outputs = this.piped;
      if (outputs.length === 0) throw notPiped("stdout");
      for (let i = 0; i < outputs.length; i++) outputs[i]?.ask();
      return taggedLinesOf(outputs, max);
    }
    const output = this[stream];
    if (output === null) throw notPiped(stream);
    output.ask();
    return linesOf(output, max);
  }

  /**
   * Captures both outputs to their ends.
   *
   * @returns The captures, and a promise that resolves at the ends; it never rejects.
   * @throws {TypeError} when one of the streams is locked.
   */
  capture(): Captured & { readonly done: Promise<void> } {
    if (this.stdout?.locked) throw locked("stdout");
    if (this.stderr?.locked) throw locked("stderr");
    const { stdout, stderr } = newCaptures(
      this.#control,
      this.stdout !== null,
      this.stderr !== null,
    );
    const first = this.#read(this.stdout, stdout);
    return { stdout, stderr, done: this.#both(first, stderr) };
  }

  async #both(first: Promise<void>, stderr: Capture | null): Promise<void> {
    await this.#read(this.stderr, stderr);
    await first;
  }

  // An output that cannot be read ends the run: the child might wait for a reader
  // for ever.
  async #read(
    output: ChildOutput | null,
    capture: Capture | null,
  ): Promise<void> {
    if (output === null || capture === null) return;
    try {
      await output.capture(capture, () => this.#events.overflowed());
    } catch (error) {
      this.#events.failed(error);
    }
  }

  /** The child has exited: silence no longer means anything. */
  stopIdleClock(): void {
    this.#idle?.stop();
  }

  /** Whether pending reads hold the event loop. */
  hold(referenced: boolean): void {
    this.stdout?.hold(referenced);
    this.stderr?.hold(referenced);
  }

  /** The tree is empty: a process that still holds a pipe is not of it. */
  finish(): void {
    this.stdout?.finish();
    this.stderr?.finish();
  }

  /** The tree is empty: what is read only to be thrown away needs no reader. */
  finishDrain(): void {
    this.stdout?.finishDrain();
    this.stderr?.finishDrain();
  }

  /** End of scope: closes a stream that was not asked for, and leaves the rest to be read. */
  dispose(): void {
    this.stdout?.dispose();
    this.stderr?.dispose();
  }
}

function locked(name: string): TypeError {
  return new TypeError(`Cannot collect output: '${name}' is locked`);
}

/** A source in front of another one, which it passes everything on to. */
abstract class WrappedSource implements ByteSource {
  protected readonly source: ByteSource;

  /** @param source The source behind it. */
  constructor(source: ByteSource) {
    this.source = source;
  }

  abstract read(view: Uint8Array, patient: boolean): number | Promise<number>;

  get readSize(): number {
    return this.source.readSize;
  }

  arrived(): boolean {
    return this.source.arrived?.() ?? false;
  }

  finish(): void {
    this.source.finish();
  }

  close(): void {
    this.source.close();
  }

  ref(): void {
    this.source.ref();
  }

  unref(): void {
    this.source.unref();
  }

  settled(): Promise<void> | null {
    return this.source.settled();
  }
}

/** Notes every piece, and shows it to a tee, before the reader gets it. */
export class ObservedSource extends WrappedSource {
  readonly #name: OutputName;
  readonly #clock: IdleClock | null;
  #tee: Tee | null;

  /**
   * @param source The pipe.
   * @param name Which output it is.
   * @param clock Told of every piece.
   * @param tee Shown every piece; the reader waits for it, and so does the child.
   */
  constructor(
    source: ByteSource,
    name: OutputName,
    clock: IdleClock | null,
    tee: Tee | null,
  ) {
    super(source);
    this.#name = name;
    this.#clock = clock;
    this.#tee = tee;
    tee?.begin();
    clock?.watch(source);
  }

  read(view: Uint8Array, _patient: boolean): number | Promise<number> {
    // A reader waits for these bytes.
    const read = this.source.read(view, false);
    if (typeof read !== "number") return this.#readLater(view, read);
    this.#clock?.came(false);
    return this.#tee === null ? read : this.#shown(view, read);
  }

  async #readLater(view: Uint8Array, read: Promise<number>): Promise<number> {
    this.#clock?.waits();
    const n = await read;
    this.#clock?.came(true);
    return this.#tee === null ? n : await this.#shown(view, n);
  }

  async #shown(view: Uint8Array, n: number): Promise<number> {
    if (n > 0) await this.#tee?.show(view.subarray(0, n), this.#name);
    else this.#endTee();
    return n;
  }

  #endTee(): void {
    this.#tee?.end();
    this.#tee = null;
  }

  override close(): void {
    this.#endTee();
    super.close();
  }
}

// ---- The idle timeout: for how long no output has come ----

// A timer that is so many milliseconds late says that this process did not run.
const LATE = 250;

/**
 * Measures for how long output has been waited for in vain. It runs while a read
 * is pending and stands still otherwise: a reader that is slow, or gone, says
 * nothing about the child.
 */
export class IdleClock {
  readonly #ms: number;
  readonly #expired: () => void;
  #timer: Timer | null = null;
  readonly #sources: ByteSource[] = [];
  // Whether the last look was late.
  #late = false;
  #waiting = 0;
  // When the silence began.
  #since = 0;
  #stopped = false;

  /**
   * @param ms Milliseconds of silence.
   * @param expired Called once when they have passed.
   */
  constructor(ms: number, expired: () => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  /** A read has begun to wait. */
  waits(): void {
    if (this.#waiting++ === 0) this.#since = performance.now();
    if (this.#timer === null) this.#arm(this.#ms);
  }

  /** Bytes have come, or a stream has ended; `waited` when a read waited for it. */
  came(waited: boolean): void {
    if (waited) this.#waiting--;
    this.#late = false;
    this.#since = performance.now();
  }

  /** Adds a pipe that is asked before its silence counts. */
  watch(source: ByteSource): void {
    this.#sources[this.#sources.length] = source;
  }

  // One timer for many pieces: when it fires it looks how long it has been.
  #arm(ms: number): void {
    if (this.#stopped) return;
    this.#timer = new Timer(ms, () => this.#look());
    // The child, or the pending read, is what holds the event loop.
    this.#timer.hold(false);
  }

  #look(): void {
    this.#timer = null;
    if (this.#waiting === 0) return;
    const rest = this.#since + this.#ms - performance.now();
    if (rest > 0) return this.#arm(rest);
    // This process may have been busy, or stopped, so that what was written has not
    // been read: the child was not silent.
    if (this.#arrived()) {
      this.#since = performance.now();
      return this.#arm(this.#ms);
    }
    // It was stopped, and the child may have been stopped with it (Ctrl-Z and fg; a
    // frozen cgroup): the child gets some time to go on.
    if (!this.#late && -rest > LATE) {
      this.#late = true;
      return this.#arm(Math.min(this.#ms, LATE));
    }
    this.stop();
    this.#expired();
  }

  #arrived(): boolean {
    for (let i = 0; i < this.#sources.length; i++) {
      if (this.#sources[i]?.arrived?.()) return true;
    }
    return false;
  }

  /** Ends it unfired: the child has exited, or is being stopped. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.clear();
    this.#timer = null;
  }
}

// ---- The limit on output: both piped streams of a child together ----

/** How many bytes may still come. */
export class OutputBudget {
  #left: number;
  #spent = false;
  readonly #passed: () => void;

  /**
   * @param bytes How many bytes may come.
   * @param passed Called once, when there was one more.
   */
  constructor(bytes: number, passed: () => void) {
    this.#left = bytes;
    this.#passed = passed;
  }

  /** Bytes that may still come. */
  get left(): number {
    return this.#left;
  }

  /**
   * Counts bytes that have come.
   *
   * @param count How many.
   * @returns How many of them are within the limit.
   */
  take(count: number): number {
    const within = Math.min(count, this.#left);
    this.#left -= within;
    if (within < count && !this.#spent) {
      this.#spent = true;
      this.#passed();
    }
    return within;
  }
}

/** A source that ends where the budget does. */
export class BudgetedSource extends WrappedSource {
  readonly #budget: OutputBudget;

  /**
   * @param source The pipe.
   * @param budget Shared by the streams of a child.
   */
  constructor(source: ByteSource, budget: OutputBudget) {
    super(source);
    this.#budget = budget;
  }

  read(view: Uint8Array, patient: boolean): number | Promise<number> {
    const { left } = this.#budget;
    // Whether there is one byte more is known only by reading it.
    const target = left === 0
      ? new Uint8Array(1)
      : view.byteLength > left
      ? view.subarray(0, left)
      : view;
    const n = this.source.read(target, patient);
    return typeof n === "number" ? this.#taken(n) : this.#later(n);
  }

  async #later(pending: Promise<number>): Promise<number> {
    return this.#taken(await pending);
  }

  #taken(count: number): number {
    const within = this.#budget.take(count);
    // The stream ends here; the writer is being ended.
    if (within === 0) this.source.close();
    return within;
  }
}
