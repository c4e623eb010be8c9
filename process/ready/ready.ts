/**
 * Waiting until a child is ready for use: it says so, listens, or has written a
 * file.
 *
 * @module
 */

import { NotReadyError, type NotReadyReason } from "../../backend/errors.ts";
import { backend } from "../../backend/backend.ts";
import type { ProcessInfo } from "../../backend/containment.ts";
import type { NativeProcess } from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import { type Probe, probeFile, probePort, probeUrl } from "./probes.ts";
import type { CommandStatus } from "../run/status.ts";
import type { ChildOutput, OutputName } from "../stdio/child_output.ts";
import {
  DEFAULT_MAX_LINE_LENGTH,
  LineReader,
  type OutputLine,
} from "../stdio/lines.ts";
import {
  checkOptions,
  flag,
  type Known,
  lineLength,
  oneOf,
  pathOf,
  shown,
  timeLimit,
} from "../validate.ts";

// ---- The conditions that `ready()` can wait for, and their validation ----

/**
 * What all ways of waiting have in common.
 *
 * @category Readiness
 */
export interface ReadyCommonOptions {
  /**
   * Milliseconds to wait at most.
   *
   * @default {30000}
   */
  timeout?: number;
  /**
   * Whether piped output without a reader (by `stdout`, `stderr`,
   * `lines()` or `output()`) is read, so that it does not block the child: kept
   * for the error while waiting, afterwards thrown away until it gets a reader. A
   * reader that comes right after `ready()` misses nothing. With false it stays in
   * the pipe, and the child waits when that is full.
   *
   * @default {true}
   */
  drain?: boolean;
}

/**
 * Options of `ready()` that wait for a line of output.
 *
 * @category Readiness
 */
export interface ReadyLineOptions extends ReadyCommonOptions {
  /**
   * A part of the line, or a pattern. A prompt without an end of line is found as
   * well, when nothing has followed it for 100 milliseconds.
   */
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

/**
 * Options of `ready()` that wait until a TCP connection is accepted. Needs `--allow-net` for the address.
 *
 * @category Readiness
 */
export interface ReadyPortOptions extends ReadyCommonOptions {
  /**
   * The port. A listener on this machine that a process holds which is not of the tree,
   * and was there before the child, does not count: the error names it (Linux; elsewhere
   * it counts).
   */
  port: number;
  /**
   * Whether a listener counts that was there before the child.
   *
   * @default {false}
   */
  anyHolder?: boolean;
  /**
   * The host.
   *
   * @default {"127.0.0.1"}, and `"::1"` where that may be connected to
   */
  hostname?: string;
}

/**
 * Options of `ready()` that wait until a file exists. Needs `--allow-read` for it.
 *
 * @category Readiness
 */
export interface ReadyFileOptions extends ReadyCommonOptions {
  /** The file, relative to this process's working directory. */
  file: string | URL;
}

/**
 * Options of `ready()` that wait until an HTTP request is answered. Needs `--allow-net`
 * for the address. A redirection is an answer, and not followed.
 *
 * @category Readiness
 */
export interface ReadyUrlOptions extends ReadyCommonOptions {
  /** The address, `http:` or `https:`. */
  url: string | URL;
  /**
   * The status that is waited for, or what says whether one is right.
   *
   * @default {below 400}
   */
  status?: number | ((status: number) => boolean);
  /**
   * The client of `Deno.createHttpClient()`: with `caCerts` for a certificate of one's
   * own, with `proxy: { transport: "unix", path }` for a Unix socket. It stays open.
   *
   * @default {Deno's}
   */
  client?: Deno.HttpClient;
}

/**
 * What to wait for: exactly one of a line, a port, a URL and a file.
 *
 * @category Readiness
 */
export type ReadyOptions =
  | ReadyLineOptions
  | ReadyPortOptions
  | ReadyUrlOptions
  | ReadyFileOptions;

/**
 * How a child was found to be ready.
 *
 * @category Readiness
 */
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
  /**
   * The process that holds a port of this machine, is not of the tree, and was there
   * before the child; `null` where none is known.
   */
  readonly olderHolder: (port: number) => string | null;
}

const READY_OPTIONS: Known<
  ReadyLineOptions & ReadyPortOptions & ReadyUrlOptions & ReadyFileOptions
> = {
  line: true,
  stream: true,
  maxLineLength: true,
  port: true,
  hostname: true,
  anyHolder: true,
  url: true,
  status: true,
  client: true,
  file: true,
  timeout: true,
  drain: true,
};

const DEFAULT_TIMEOUT = 30_000;
const STREAMS = ["both", "stdout", "stderr"] as const;

/** A validated wait. */
export interface ReadyPlan {
  /** The condition, in words. */
  readonly awaited: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Outputs in which the line is looked for. */
  readonly searched: readonly ChildOutput[];
  /** The line, or `null`. */
  readonly line: string | RegExp | null;
  /** The probe for the other conditions, or `null`. */
  readonly probe: Probe | null;
  /** Outputs that are read: those, and the drained ones. */
  readonly read: readonly ChildOutput[];
  /** Whether they go on being read afterwards. */
  readonly drain: boolean;
  /** In bytes. */
  readonly maxLineLength: number;
}

/**
 * Validates the options.
 *
 * @param child The child.
 * @param options What to wait for.
 * @returns The plan.
 * @throws {TypeError} for anything of the wrong type, and for a stream that is not piped.
 * @throws {RangeError} for a number out of range.
 */
export function toReadyPlan(
  child: Starting,
  options: ReadyOptions,
): ReadyPlan {
  checkOptions(options, "ready()", READY_OPTIONS);
  const given = (options ?? {}) as Partial<
    ReadyLineOptions & ReadyPortOptions & ReadyUrlOptions & ReadyFileOptions
  >;
  const { line, port, url, file } = given;
  const kinds =
    [line, port, url, file].filter((one) => one !== undefined).length;
  if (kinds !== 1) {
    throw new TypeError(
      `Cannot wait until ready: expected one of 'line', 'port', 'url' and 'file', got ${kinds}`,
    );
  }
  const drain = flag(given.drain, "drain", true);
  const searched = line === undefined ? [] : searchedIn(child, given.stream);
  const unwanted = child.outputs.filter((output) =>
    drain && !output.asked && !output.locked && !searched.includes(output)
  );
  return {
    timeout: timeLimit(given.timeout, "timeout", DEFAULT_TIMEOUT),
    maxLineLength: lineLength(given.maxLineLength, DEFAULT_MAX_LINE_LENGTH),
    searched,
    read: searched.concat(unwanted),
    drain,
    ...condition(child, given),
  };
}

function condition(
  child: Starting,
  given: Partial<
    ReadyLineOptions & ReadyPortOptions & ReadyUrlOptions & ReadyFileOptions
  >,
): Pick<ReadyPlan, "line" | "probe" | "awaited"> {
  const { line, port, hostname, url, status, client, file } = given;
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
  const any = flag(given.anyHolder, "anyHolder", false);
  const probe = url !== undefined
    ? probeUrl(url, status, client)
    : port === undefined
    ? probeFile(pathOf(file as string | URL, "file"))
    : probePort(port, hostname, any ? null : child.olderHolder);
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

const TAIL = 20;

// The pipe of a child that has exited ends at once, unless a descendant holds it.
const LAST_WORDS = 1000;

// So long nothing follows a prompt.
const PROMPT_QUIET_MS = 100;
const NO_GROUPS: ReadyResult["groups"] = Object.freeze(Object.create(null));

/**
 * Waits.
 *
 * @param child The child.
 * @param options What to wait for.
 * @returns The line that matched, and the stream it came from.
 * @throws {TypeError} for invalid options, when no such stream is piped, or one is locked.
 * @throws {NotReadyError} when it exits before, or the time is up.
 * @throws {Deno.errors.NotCapable} when the port or the file may not be looked at.
 */
export async function untilReady(
  child: Starting,
  options: ReadyOptions,
): Promise<ReadyResult> {
  const wait = new ReadyWait(child, toReadyPlan(child, options));
  try {
    return await wait.outcome;
  } finally {
    wait.end();
  }
}

class ReadyWait {
  readonly outcome: Promise<ReadyResult>;
  #resolve!: (result: ReadyResult) => void;
  #reject!: (error: unknown) => void;
  readonly #child: Starting;
  readonly #plan: ReadyPlan;
  readonly #began = performance.now();
  readonly #reader: LineReader;
  readonly #timer: Timer;
  #lastWords: Timer | null = null;
  #quiet: Timer | null = null;
  #status: CommandStatus | null = null;
  #reading = true;
  #tail: string[] = [];
  #ended = false;

  constructor(child: Starting, plan: ReadyPlan) {
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
        const { stream } = reader;
        const match = this.#match(line, stream);
        if (match !== undefined) return this.#succeed(line, stream, match);
      }
      this.#watchPrompt();
    } while (await reader.more());
    this.#reading = false;
    this.#outputEnded();
  }

  // The match, or `null` where a string is looked for; undefined when there is none.
  #match(line: string, stream: OutputName): RegExpExecArray | null | undefined {
    const wanted = this.#plan.line;
    if (wanted === null || !this.#isSearched(stream)) return undefined;
    if (typeof wanted === "string") {
      return line.includes(wanted) ? null : undefined;
    }
    wanted.lastIndex = 0;
    return wanted.exec(line) ?? undefined;
  }

  // A prompt has no end of line. It is looked at when nothing has followed it for a
  // moment: a line that comes in two pieces is not taken for its first half.
  #watchPrompt(): void {
    this.#quiet?.clear();
    this.#quiet = null;
    if (this.#plan.line === null || this.#ended) return;
    if (this.#reader.partials().length === 0) return;
    this.#quiet = new Timer(PROMPT_QUIET_MS, () => this.#lookAtPrompt());
  }

  #lookAtPrompt(): boolean {
    if (this.#ended) return false;
    const partials = this.#reader.partials();
    for (let i = 0; i < partials.length; i++) {
      const { line, stream } = partials[i] as OutputLine;
      const match = this.#match(line, stream);
      if (match === undefined) continue;
      this.#reader.takePartial(stream);
      this.#succeed(line, stream, match);
      return true;
    }
    return false;
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
      if (!await probe.run(() => this.#ended)) return;
      if (probe.objection() === null) this.#succeed(null, null, null);
      else this.#fail("held");
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
    if (this.#ended || this.#lookAtPrompt()) return;
    // The last piece of output may be the beginning of a line.
    this.#reader.partials().forEach(({ line }) => this.#tail.push(line));
    this.end();
    const { awaited, timeout, probe } = this.#plan;
    const { command } = this.#child;
    const status = this.#status;
    const lines = this.#tail;
    const holder = probe?.objection() ?? null;
    const details = { command, awaited, timeout, status, lines, holder };
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
    this.#quiet?.clear();
    this.#plan.probe?.cancel();
    this.#reader.release();
    if (!this.#plan.drain) return;
    for (let i = 0; i < this.#plan.read.length; i++) {
      this.#plan.read[i]?.drain();
    }
  }
}

/**
 * Options of `ChildProcess.expect()`.
 *
 * @category Readiness
 */
export type ExpectOptions = Pick<
  ReadyLineOptions,
  "timeout" | "stream" | "maxLineLength"
>;

const EXPECT_OPTIONS: Known<ExpectOptions> = {
  timeout: true,
  stream: true,
  maxLineLength: true,
};

/**
 * Waits for a prompt and answers it.
 *
 * @param child The child.
 * @param stdin Where the answer goes, or `null` without one.
 * @param dialogue The prompt, the answer, and how long to wait.
 * @returns The line that matched.
 * @throws what {@linkcode untilReady} throws.
 */
export async function expectPrompt(
  child: Starting,
  stdin: WritableStream<Uint8Array> | null,
  { prompt, answer, options }: {
    readonly prompt: string | RegExp;
    readonly answer: string | Uint8Array | undefined;
    readonly options: ExpectOptions;
  },
): Promise<ReadyResult & { readonly line: string }> {
  checkOptions(options, "expect()", EXPECT_OPTIONS);
  const bytes = typeof answer === "string"
    ? new TextEncoder().encode(`${answer}\n`)
    : answer;
  if (bytes !== undefined && !(bytes instanceof Uint8Array)) {
    throw new TypeError(
      `Invalid answer: expected a string or a Uint8Array, got ${shown(bytes)}`,
    );
  }
  const result = await untilReady(child, {
    ...options,
    line: prompt,
    drain: false,
  });
  if (bytes !== undefined && stdin !== null) {
    const writer = stdin.getWriter();
    try {
      await writer.write(bytes);
    } finally {
      writer.releaseLock();
    }
  }
  return result as ReadyResult & { readonly line: string };
}

/**
 * The process that holds a port, is not of a tree, and was there before its leader.
 *
 * @param native The tree.
 * @param port The port, of this machine.
 * @returns It, in words; `null` where none is known.
 */
export function olderHolder(
  native: NativeProcess,
  port: number,
): string | null {
  const members = native.members();
  const leader = members.find(({ pid }) => pid === native.pid);
  const own = backend().portHolders(port, members.map(({ pid }) => pid));
  if (leader === undefined || own === null || own.length > 0) return null;
  const others = backend().portHolders(port, "all") ?? [];
  let older: ProcessInfo | null = null;
  for (let i = 0; i < others.length; i++) {
    const holder = others[i] as ProcessInfo;
    // One that came later may serve the child: a proxy of a container runtime.
    if (!(holder.startTime < leader.startTime)) return null;
    older ??= holder;
  }
  if (older === null) return null;
  return older.pid === Deno.pid
    ? `this process itself (${Deno.pid})`
    : `${older.name} (${older.pid}), which was there before it`;
}
