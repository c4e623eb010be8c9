/**
 * The progress of a stop, on a terminal.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { formatDuration } from "../arguments/operands.ts";
import { terminalWidth, write } from "../terminal/say.ts";

/** A stop that takes less is over before it could be read. */
const DELAY_MS = 300;
const REFRESH_MS = 250;
const CLEAR_LINE = "\r\x1b[K";

/**
 * The line.
 *
 * @param members The processes that are left.
 * @param killIn Milliseconds until the kill, below 0 when it is past.
 * @param width Columns of the terminal.
 * @returns One line that fits.
 */
export function progressLine(
  members: readonly Pick<ProcessInfo, "pid" | "name">[],
  killIn: number,
  width: number,
): string {
  const count = members.length === 1
    ? "1 process"
    : `${members.length} processes`;
  const names = members.map(({ pid, name }) => `${name} ${pid}`).join(", ");
  const then = killIn > 0 ? `SIGKILL in ${formatDuration(killIn)}` : "killed";
  const begin = `stopping (${then}): waiting for ${count}: `;
  const line = begin + names;
  return line.length < width ? line : line.slice(0, width - 2) + "…";
}

/** Draws the line again and again while a stop is under way. */
export class StopProgress implements Disposable {
  readonly #members: () => readonly Pick<ProcessInfo, "pid" | "name">[];
  #deadline: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawn = false;

  /**
   * @param members Lists the processes that are left.
   * @param grace Milliseconds until the kill.
   */
  constructor(
    members: () => readonly Pick<ProcessInfo, "pid" | "name">[],
    grace: number,
  ) {
    this.#members = members;
    this.#deadline = performance.now() + grace;
    if (!Deno.stderr.isTerminal()) return;
    this.#timer = setTimeout(() => this.#draw(), DELAY_MS);
  }

  /** The kill is now. */
  escalated(): void {
    this.#deadline = performance.now();
  }

  #draw(): void {
    const members = this.#members();
    const line = progressLine(
      members,
      this.#deadline - performance.now(),
      terminalWidth(),
    );
    write(Deno.stderr, CLEAR_LINE + line);
    this.#drawn = true;
    this.#timer = setTimeout(() => this.#draw(), REFRESH_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (this.#drawn) write(Deno.stderr, CLEAR_LINE);
  }
}
