/**
 * Waiting until a child is ready for use: it says so, listens, or has written a
 * file.
 *
 * @module
 */

import { NotReadyError, type NotReadyReason } from "../../backend/errors.ts";
import { LineReader, type OutputLine } from "../stdio/lines.ts";
import {
  type Probe,
  type ReadyOptions,
  type ReadyPlan,
  type ReadyResult,
  type Starting,
  toReadyPlan,
} from "./plan.ts";
import type { CommandStatus } from "../run/status.ts";
import type { OutputName } from "../stdio/child_output.ts";
import { Timer } from "../../backend/timer.ts";

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
 * @returns What was found.
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
    if (this.#ended || this.#lookAtPrompt()) return;
    // What the child wrote last may be the beginning of a line.
    this.#reader.partials().forEach(({ line }) => this.#tail.push(line));
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
    this.#quiet?.clear();
    this.#plan.probe?.cancel();
    this.#reader.release();
    if (!this.#plan.drain) return;
    for (let i = 0; i < this.#plan.read.length; i++) {
      this.#plan.read[i]?.drain();
    }
  }
}
