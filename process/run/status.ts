/**
 * What a run came to: status, output, and the report of a stop.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import { OutputLimitExceeded } from "../../backend/errors.ts";
import {
  type LimitName,
  type ResourceUsage,
  unknownUsage,
  type Usage,
} from "../../backend/usage.ts";
import type {
  ExitStatus,
  NativeProcess,
  StopReport,
} from "../../backend/native.ts";
import type { Captured } from "../stdio/outputs.ts";
import { notPiped } from "../stdio/streams.ts";
import { checkOptions, duration, type Known, oneOf } from "../validate.ts";
import type { OutputName } from "../stdio/child_output.ts";

/**
 * How a child ended. A superset of `Deno.CommandStatus`.
 *
 * @category Ending
 */
export interface CommandStatus {
  /** Whether the exit code is 0. */
  success: boolean;
  /** The exit code; `128 + n` when signal n ended the child; `-1` when {@linkcode CommandStatus.lost}. */
  code: number;
  /** The signal that ended the child, or `null`. */
  signal: Deno.Signal | null;
  /** Whether its time was up (the `timeout` option, or `wait({ timeout })`). */
  timedOut: boolean;
  /** Whether it was stopped because it wrote nothing for `idleTimeout`. */
  idledOut: boolean;
  /** Whether its `AbortSignal` fired. */
  aborted: boolean;
  /** Whether this library ended it: `kill()`, `stop()`, timeout, abort, end of scope. */
  killed: boolean;
  /** Whether other code reaped the child, so that its real status is unknown. */
  lost: boolean;
  /** The limit of the `limits` option that ended it, or `null`. */
  limit: LimitName | null;
  /**
   * The stop of its tree, when there was one: which processes there were, what each
   * was sent, and what ended it. `null` when the run ended by itself.
   */
  report: StopReport | null;
  /**
   * What it and its tree have used, as far as that is known without a further
   * look. Without limits and without a look by `usage()` or `sample()`, the tree
   * on POSIX is the child and those that were waited for.
   */
  readonly usage: Usage;
}

/**
 * Reads a captured output as text, so that a caller needs no decoder. Bytes that are
 * no UTF-8 become U+FFFD; a byte order mark is left out.
 *
 * @example
 * ```ts
 * import { Command } from "@killable/process";
 *
 * const run = await new Command(Deno.execPath(), {
 *   args: ["eval", "console.log('[1, 2]')"],
 * }).output();
 * console.log(run.text(), run.json(), run.lines()); // [1, 2]\n [ 1, 2 ] [ "[1, 2]" ]
 * ```
 *
 * @category Standard streams
 */
export interface TextOutput {
  /**
   * The captured output as text, as it was written.
   *
   * @param stream Which output.
   * @returns The text.
   * @throws {TypeError} when it was not piped.
   *
   * @default {"stdout"} for `stream`
   */
  text(stream?: OutputName): string;
  /**
   * Parses the captured standard output.
   *
   * @returns The value.
   * @throws {SyntaxError} when it is no JSON.
   * @throws {TypeError} when it was not piped.
   */
  // deno-lint-ignore no-explicit-any
  json(): any;
  /**
   * The lines of the captured output, without their `\n` or `\r\n`.
   *
   * @param stream Which output.
   * @returns The lines; a last one without an end counts.
   * @throws {TypeError} when it was not piped.
   *
   * @default {"stdout"} for `stream`
   */
  lines(stream?: OutputName): string[];
}

/**
 * Status and captured output. A superset of `Deno.CommandOutput`.
 *
 * @category Ending
 */
export interface CommandOutput extends CommandStatus, TextOutput {
  /**
   * The captured standard output.
   *
   * @throws {TypeError} when it was not piped.
   */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /**
   * The captured standard error.
   *
   * @throws {TypeError} when it was not piped.
   */
  readonly stderr: Uint8Array<ArrayBuffer>;
  /** Whether `outputPolicy` cut a stream to `maxOutput` bytes. */
  readonly truncated: boolean;
}

/** What this library had to do with an end. */
export type Causes = Pick<
  CommandStatus,
  "timedOut" | "idledOut" | "aborted" | "killed" | "limit" | "report"
>;

/**
 * The status of a run whose leader has exited.
 *
 * @param native The process.
 * @param exit How it ended.
 * @param causes What this library had to do with it.
 * @returns The status; its usage is worked out when it is asked for.
 */
export function statusOf(
  native: NativeProcess,
  exit: ExitStatus,
  causes: Causes,
): CommandStatus {
  const { code, signal, lost } = exit;
  return statusWith(
    { success: code === 0, code, signal, ...causes, lost },
    () => native.usage("known"),
  );
}

/**
 * The status of a run that was aborted before it was started.
 *
 * @param stopSignal The signal that would have ended it.
 * @returns The status.
 */
export function abortedStatus(
  { stopSignal }: { readonly stopSignal: Deno.Signal },
): CommandStatus {
  const number = backend().signals[stopSignal] ?? 0;
  return statusWith({
    success: false,
    code: 128 + number,
    signal: stopSignal,
    timedOut: false,
    idledOut: false,
    aborted: true,
    killed: true,
    lost: false,
    limit: null,
    report: null,
  }, () => ({ elapsed: 0, leader: nothingUsed(), tree: nothingUsed() }));
}

function nothingUsed(): ResourceUsage {
  const usage = { ...unknownUsage("process") } as Record<string, unknown>;
  const names = Object.keys(usage);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (usage[name] === null) usage[name] = 0;
  }
  return usage as unknown as ResourceUsage;
}

/**
 * The result of a run that collected its output. Asking it for a stream that was
 * not piped throws.
 *
 * @param status How the child ended.
 * @param run The program and how much of its output is kept, for the error.
 * @param captured The captured output. Its bytes are given away.
 * @returns The result.
 * @throws {OutputLimitExceeded} when there was more and that is an error.
 */
export function outputOf(
  status: CommandStatus,
  run: { readonly command: string; readonly maxOutput: number },
  captured: Captured,
): CommandOutput {
  const { stdout, stderr } = captured;
  const partial = {
    stdout: stdout === null ? null : stdout.result(),
    stderr: stderr === null ? null : stderr.result(),
  };
  if (stdout?.exceeded || stderr?.exceeded) {
    throw new OutputLimitExceeded(run.command, run.maxOutput, partial);
  }
  const output = statusWith(status, () => status.usage) as
    & CommandStatus
    & { truncated: boolean };
  output.truncated = stdout?.truncated || stderr?.truncated || false;
  addStream(output, "stdout", partial.stdout);
  addStream(output, "stderr", partial.stderr);
  return withText(output as unknown as CommandOutput);
}

function statusWith(
  fields: Omit<CommandStatus, "usage">,
  usageOf: () => Usage,
): CommandStatus {
  const { success, code, signal, timedOut, idledOut, aborted } = fields;
  const { killed, lost, limit, report } = fields;
  let usage: Usage | null = null;
  return {
    success,
    code,
    signal,
    timedOut,
    idledOut,
    aborted,
    killed,
    lost,
    limit,
    report,
    get usage(): Usage {
      return usage ??= usageOf();
    },
  };
}

// No arrow functions: `this` is the result. Not enumerable: results can be printed.
const TEXT: TextOutput & ThisType<CommandOutput> = {
  text(stream: OutputName = "stdout"): string {
    const name = oneOf(stream, "stream", STREAMS);
    return new TextDecoder().decode(this[name]);
  },
  // deno-lint-ignore no-explicit-any
  json(): any {
    return JSON.parse(new TextDecoder().decode(this.stdout));
  },
  lines(stream: OutputName = "stdout"): string[] {
    const name = oneOf(stream, "stream", STREAMS);
    const lines = new TextDecoder().decode(this[name]).split(/\r?\n/);
    if (lines[lines.length - 1] === "") lines.pop();
    return lines;
  },
};
const STREAMS = ["stdout", "stderr"] as const;

/**
 * Adds the methods that read a captured output as text.
 *
 * @param output The result, with `stdout` and, where there is one, `stderr`.
 * @returns The same.
 */
export function withText<T extends object>(output: T): T & TextOutput {
  const { text, json, lines } = TEXT;
  return Object.defineProperties(output, {
    text: { value: text },
    json: { value: json },
    lines: { value: lines },
  }) as T & TextOutput;
}

/**
 * Adds a captured stream. A getter only where there is something to throw:
 * results can be printed.
 *
 * @param output The result.
 * @param name `stdout` or `stderr`.
 * @param bytes The captured bytes, or `null`: reading the property throws.
 */
export function addStream(
  output: object,
  name: string,
  bytes: Uint8Array<ArrayBuffer> | null,
): void {
  Object.defineProperty(
    output,
    name,
    bytes === null
      ? {
        enumerable: true,
        get(): never {
          throw notPiped(name);
        },
      }
      : { enumerable: true, value: bytes },
  );
}

// Usage from time to time.

/**
 * Options of {@linkcode ChildProcess.sample}.
 *
 * @category Limits and usage
 */
export interface SampleOptions {
  /**
   * Milliseconds between two looks.
   *
   * @default {1000}
   */
  interval?: number;
}

const SAMPLE_OPTIONS: Known<SampleOptions> = { interval: true };
const DEFAULT_INTERVAL = 1000;

/**
 * Looks at once and then from time to time, until the tree has ended.
 *
 * @param native The child.
 * @param exited Resolves when the leader has been reaped.
 * @param options How often.
 * @returns The figures; the last are the final ones.
 * @throws {TypeError} when `interval` is no number.
 * @throws {RangeError} when `interval` is less than 1 millisecond.
 */
export function sample(
  native: NativeProcess,
  exited: Promise<unknown>,
  options: SampleOptions,
): AsyncIterableIterator<Usage> {
  checkOptions(options, "sample()", SAMPLE_OPTIONS);
  const interval = duration(options.interval, "interval", DEFAULT_INTERVAL);
  if (interval < 1) {
    throw new RangeError(
      `Invalid interval: expected 1 millisecond or more, got ${interval}`,
    );
  }
  return looks(native, exited, interval);
}

async function* looks(
  native: NativeProcess,
  exited: Promise<unknown>,
  interval: number,
): AsyncGenerator<Usage, void, void> {
  let due = performance.now();
  for (;;) {
    if (native.treeIsEmpty()) break;
    yield native.usage("full");
    // In step with the clock, however long the receiver took.
    due = Math.max(due + interval, performance.now());
    const empty = await native.watchTree().wait(due - performance.now());
    await native.settled();
    if (empty) break;
  }
  await exited;
  yield native.usage("full");
}
