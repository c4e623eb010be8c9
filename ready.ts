/**
 * Waiting until a child is ready for use: it says so, listens, or has written a
 * file.
 *
 * @module
 */

import type { ChildOutput } from "./child_output.ts";
import { NotReadyError, type NotReadyReason } from "./errors.ts";
import { pathOf } from "./file_path.ts";
import { DEFAULT_MAX_LINE_LENGTH, LineReader } from "./lines.ts";
import { type Probe, probeFile, probePort } from "./ready_probe.ts";
import type { CommandStatus } from "./status.ts";
import type { OutputName } from "./tee.ts";
import { Timer } from "./timer.ts";
import { duration, flag, lineLength, oneOf, shown } from "./validate.ts";

/** What all ways of waiting have in common. */
export interface ReadyCommonOptions {
  /**
   * Milliseconds to wait at most.
   *
   * @default {30000}
   */
  timeout?: number;
  /**
   * Whether piped output that nobody has asked for (by `stdout`, `stderr`,
   * `lines()` or `output()`) is read, so that it does not block the child: kept
   * for the error while waiting, afterwards thrown away until somebody asks for
   * it. Whoever asks right after `ready()` misses nothing. With false it stays in
   * the pipe, and the child waits when that is full.
   *
   * @default {true}
   */
  drain?: boolean;
}

/** Ready is who writes a line. */
export interface ReadyLineOptions extends ReadyCommonOptions {
  /** A part of the line, or a pattern. */
  line: string | RegExp;
  /**
   * Where the line is looked for.
   *
   * @default {"both"}, as far as they are piped
   */
  stream?: OutputName | "both";
  /**
   * Bytes of the longest line; a longer one is looked at in pieces.
   *
   * @default {1048576} (1 MiB)
   */
  maxLineLength?: number;
}

/** Ready is who accepts a TCP connection. Needs `--allow-net` for the address. */
export interface ReadyPortOptions extends ReadyCommonOptions {
  /** The port. Whoever listens there is asked: it need not be the child. */
  port: number;
  /**
   * The host.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
}

/** Ready is who has made a file. Needs `--allow-read` for it. */
export interface ReadyFileOptions extends ReadyCommonOptions {
  /** The file, relative to this process's working directory. */
  file: string | URL;
}

/** What to wait for: exactly one of a line, a port and a file. */
export type ReadyOptions =
  | ReadyLineOptions
  | ReadyPortOptions
  | ReadyFileOptions;

/** How a child was found to be ready. */
export interface ReadyResult {
  /** The line, or `null` when something else was waited for. */
  readonly line: string | null;
  /** Where it was written to, or `null`. */
  readonly stream: OutputName | null;
  /** The pattern's match, or `null`. */
  readonly match: RegExpExecArray | null;
  /** The pattern's named groups. */
  readonly groups: Readonly<Record<string, string | undefined>>;
  /** How long was waited, in milliseconds. */
  readonly elapsed: number;
}

/** What has to be known of a child. */
export interface Starting {
  /** The program, for messages. */
  readonly command: string;
  /** Its piped outputs. */
  readonly outputs: readonly ChildOutput[];
  /** Resolves when it has exited. */
  readonly status: Promise<CommandStatus>;
}

const DEFAULT_TIMEOUT = 30_000;
const TAIL = 20;
// The pipe of a child that has exited ends at once, unless a descendant holds it.
const LAST_WORDS = 1000;
const STREAMS = ["both", "stdout", "stderr"] as const;
const NO_GROUPS: ReadyResult["groups"] = Object.freeze(Object.create(null));

/**
 * Waits.
 *
 * @param child The child.
 * @param options What to wait for.
 * @returns What was found.
 * @throws {TypeError} for invalid options, when no such stream is piped, or one is locked.
 * @throws {NotReadyError} when it exits before, or the time is up.
 * @throws {Deno.errors.NotCapable} when the port or the file may not be looked at.
 */
export async function untilReady(
  child: Starting,
  options: ReadyOptions,
): Promise<ReadyResult> {
  const wait = new ReadyWait(child, toPlan(child, options));
  try {
    return await wait.outcome;
  } finally {
    wait.end();
  }
}

interface Plan {
  readonly awaited: string;
  readonly timeout: number;
  /** Outputs in which the line is looked for. */
  readonly searched: readonly ChildOutput[];
  readonly line: string | RegExp | null;
  readonly probe: Probe | null;
  /** Outputs that are read: those, and what is drained. */
  readonly read: readonly ChildOutput[];
  readonly drain: boolean;
  readonly maxLineLength: number;
}

function toPlan(child: Starting, options: ReadyOptions): Plan {
  const given = (options ?? {}) as Partial<
    ReadyLineOptions & ReadyPortOptions & ReadyFileOptions
  >;
  const { line, port, file } = given;
  const kinds = [line, port, file].filter((one) => one !== undefined).length;
  if (kinds !== 1) {
    throw new TypeError(
      `Cannot wait until ready: expected one of 'line', 'port' and 'file', got ${kinds}`,
    );
  }
  const drain = flag(given.drain, "drain", true);
  const searched = line === undefined ? [] : searchedIn(child, given.stream);
  const unwanted = child.outputs.filter((output) =>
    drain && !output.asked && !output.locked && !searched.includes(output)
  );
  return {
    timeout: duration(given.timeout, "timeout", DEFAULT_TIMEOUT),
    maxLineLength: lineLength(given.maxLineLength, DEFAULT_MAX_LINE_LENGTH),
    searched,
    read: searched.concat(unwanted),
    drain,
    ...condition(line, port, given.hostname, file),
  };
}

function condition(
  line: unknown,
  port: unknown,
  hostname: unknown,
  file: unknown,
): Pick<Plan, "line" | "probe" | "awaited"> {
  if (line !== undefined) {
    if (typeof line === "string" || line instanceof RegExp) {
      // A copy: the position of a global pattern is its owner's.
      const own = typeof line === "string" ? line : new RegExp(line);
      return { line: own, probe: null, awaited: `line ${line}` };
    }
    throw new TypeError(
      `Invalid line: expected a string or a RegExp, got ${shown(line)}`,
    );
  }
  const probe = port === undefined
    ? probeFile(pathOf(file as string | URL, "file"))
    : probePort(port, hostname);
  return { line: null, probe, awaited: probe.what };
}

function searchedIn(child: Starting, value: unknown): readonly ChildOutput[] {
  const stream = oneOf(value, "stream", STREAMS);
  const found = child.outputs.filter((output) =>
    stream === "both" || output.name === stream
  );
  if (found.length > 0) return found;
  throw new TypeError(
    `Cannot wait for a line: ${
      stream === "both" ? "neither stdout nor stderr" : `'${stream}'`
    } is ${stream === "both" ? "" : "not "}piped`,
  );
}

class ReadyWait {
  readonly outcome: Promise<ReadyResult>;
  #resolve!: (result: ReadyResult) => void;
  #reject!: (error: unknown) => void;
  readonly #child: Starting;
  readonly #plan: Plan;
  readonly #began = performance.now();
  readonly #reader: LineReader;
  readonly #timer: Timer;
  #lastWords: Timer | null = null;
  #status: CommandStatus | null = null;
  #reading = true;
  #tail: string[] = [];
  #ended = false;

  constructor(child: Starting, plan: Plan) {
    this.#child = child;
    this.#plan = plan;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#reader = new LineReader(plan.read, plan.maxLineLength);
    this.#timer = new Timer(plan.timeout, () => this.#fail("timeout"));
    this.#readLines();
    this.#watchExit();
    if (plan.probe !== null) this.#poll(plan.probe);
  }

  async #readLines(): Promise<void> {
    const reader = this.#reader;
    do {
      for (let line = reader.take(); line !== null; line = reader.take()) {
        this.#tail[this.#tail.length] = line;
        if (this.#tail.length > TAIL) this.#tail.shift();
        if (this.#matches(line)) return;
      }
    } while (await reader.more());
    this.#reading = false;
    this.#outputEnded();
  }

  #matches(line: string): boolean {
    const wanted = this.#plan.line;
    const { stream } = this.#reader;
    if (wanted === null || !this.#isSearched(stream)) return false;
    if (typeof wanted === "string") {
      if (!line.includes(wanted)) return false;
      this.#succeed(line, stream, null);
      return true;
    }
    wanted.lastIndex = 0;
    const match = wanted.exec(line);
    if (match === null) return false;
    this.#succeed(line, stream, match);
    return true;
  }

  #isSearched(stream: OutputName): boolean {
    return this.#plan.searched.some((output) => output.name === stream);
  }

  // The end of the output, and the exit, come in either order: the one waits for
  // the other a moment, for the exit code and for the last words.
  #outputEnded(): void {
    if (this.#status !== null) this.#fail("exited");
    else if (this.#plan.line !== null) this.#giveTime("closed");
  }

  async #watchExit(): Promise<void> {
    this.#status = await this.#child.status;
    if (this.#reading && this.#plan.read.length > 0) this.#giveTime("exited");
    else this.#fail("exited");
  }

  #giveTime(reason: NotReadyReason): void {
    if (this.#ended) return;
    this.#lastWords?.clear();
    this.#lastWords = new Timer(LAST_WORDS, () => this.#fail(reason));
  }

  async #poll(probe: Probe): Promise<void> {
    try {
      if (await probe.run(() => this.#ended)) this.#succeed(null, null, null);
    } catch (error) {
      this.#reject(error);
    }
  }

  #succeed(
    line: string | null,
    stream: OutputName | null,
    match: RegExpExecArray | null,
  ): void {
    this.end();
    this.#resolve({
      line,
      stream,
      match,
      groups: match?.groups ?? NO_GROUPS,
      elapsed: performance.now() - this.#began,
    });
  }

  #fail(reason: NotReadyReason): void {
    if (this.#ended) return;
    this.end();
    const { awaited, timeout, probe } = this.#plan;
    const { command } = this.#child;
    const status = this.#status;
    const lines = this.#tail;
    const details = { command, awaited, timeout, status, lines };
    const cause = probe?.obstacle();
    this.#reject(
      new NotReadyError(reason, details, cause === undefined ? {} : { cause }),
    );
  }

  /** Gives the outputs back, and leaves nothing behind. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer.clear();
    this.#lastWords?.clear();
    this.#plan.probe?.cancel();
    this.#reader.release();
    if (!this.#plan.drain) return;
    for (let i = 0; i < this.#plan.read.length; i++) {
      this.#plan.read[i]?.drain();
    }
  }
}
