/**
 * The outputs of one run: standard output and standard error with all that looks
 * at them on the way (a limit, an idle timeout, a tee), and their capture.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import type { ByteSource, NativeProcess } from "../../backend/native.ts";
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
import {
  BudgetedSource,
  IdleClock,
  ObservedSource,
  type OutputBudget,
} from "./observed_source.ts";
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
