/**
 * Timers of any duration that are cheap in a process that lives for a moment; and
 * the time that a turn of the event loop has taken.
 *
 * The first `setTimeout()` of a process loads `node:timers`, which takes 6 to
 * 15 ms: more than most commands run. So the timers of the first moments wait for
 * one `AbortSignal.timeout()` (0.7 ms). It cannot be cancelled and does not hold the
 * event loop; therefore its time is short, and a callback of the foreign function
 * interface holds the event loop meanwhile. Timers that are still pending after these
 * moments become timers of the runtime.
 *
 * `setTimeout()` takes at most 2^31 - 1 milliseconds; a {@linkcode Timer} takes
 * any number of them.
 *
 * @module
 */

import { holdLoop, releaseLoop } from "../ffi/library.ts";

const MAX_TIMEOUT = 0x7fff_ffff;

// How long the first moments are, from the first timer on.
const FIRST_MS = 100;

/** One pending timer, which can hold the event loop. */
export class Timer {
  #id: ReturnType<typeof setTimeout> | undefined;
  #referenced = true;
  #young = false;
  readonly #fired: () => void;
  readonly #interval: number;
  readonly #deadline: number;

  /**
   * @param ms Milliseconds; Infinity never fires.
   * @param fired Called once, or every so often.
   * @param repeats Whether it fires again and again.
   */
  constructor(ms: number, fired: () => void, repeats = false) {
    this.#fired = fired;
    this.#interval = repeats ? ms : 0;
    this.#deadline = ms < Infinity ? performance.now() + ms : Infinity;
    if (ms === Infinity) return;
    if (isFirstMoment()) this.#beYoung();
    else this.#set();
  }

  /** When it is due, in the time of `performance.now()`. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Called for a young one: it fires, or becomes a timer of the runtime's. */
  mature(): void {
    this.#endYouth();
    const due = this.#deadline <= performance.now();
    if (!due || this.#interval > 0) this.#set();
    if (due) this.#fired();
  }

  #beYoung(): void {
    try {
      if (this.#referenced) holdLoop();
    } catch {
      // No permission for a callback: the runtime's timer needs none.
      this.#set();
      return;
    }
    this.#young = true;
    young.add(this);
    wakeAt(this.#deadline);
  }

  #endYouth(): void {
    this.#young = false;
    young.delete(this);
    if (this.#referenced) releaseLoop();
  }

  // performance.now() is monotonic: setting the system's clock changes nothing.
  #set(): void {
    const remaining = this.#deadline - performance.now();
    if (this.#interval > 0) {
      this.#id = setInterval(this.#fired, this.#interval);
    } else if (remaining > MAX_TIMEOUT) {
      this.#id = setTimeout(() => this.#set(), MAX_TIMEOUT);
    } else {
      this.#id = setTimeout(() => {
        this.#id = undefined;
        this.#fired();
      }, Math.max(remaining, 0));
    }
    if (!this.#referenced) Deno.unrefTimer(this.#id);
  }

  /** Whether it holds the event loop. */
  hold(referenced: boolean): void {
    if (referenced === this.#referenced) return;
    this.#referenced = referenced;
    if (this.#young) {
      if (referenced) holdLoop();
      else releaseLoop();
    } else if (this.#id !== undefined) {
      if (referenced) Deno.refTimer(this.#id);
      else Deno.unrefTimer(this.#id);
    }
  }

  /** Ends it; it does not fire any more. Idempotent. */
  clear(): void {
    if (this.#young) this.#endYouth();
    if (this.#id === undefined) return;
    clearTimeout(this.#id);
    this.#id = undefined;
  }
}

// The first moments

const young = new Set<Timer>();

// When the first timer was made.
let began = NaN;

// When the next look at the young ones is due.
let nextLook = Infinity;

// A worker is not the start of a process, and one that is terminated while the
// callback holds its event loop leaves its descriptors open.
const IN_WORKER = "WorkerGlobalScope" in globalThis;

function isFirstMoment(): boolean {
  if (IN_WORKER) return false;
  const now = performance.now();
  if (Number.isNaN(began)) began = now;
  return now - began < FIRST_MS;
}

function wakeAt(deadline: number): void {
  const due = Math.min(deadline, began + FIRST_MS);
  if (due >= nextLook) return;
  nextLook = due;
  const ms = Math.max(Math.ceil(due - performance.now()), 0);
  // Not its own addEventListener(), nor `onabort`: those hold the event loop until the
  // time is over, so that a script would end 100 ms after its last child.
  EventTarget.prototype.addEventListener.call(
    AbortSignal.timeout(ms),
    "abort",
    look,
  );
}

// An earlier look than the one that is due is one too many: no matter.
function look(): void {
  nextLook = Infinity;
  const grown = !isFirstMoment();
  const now = performance.now();
  const due: Timer[] = [];
  young.forEach((timer) => {
    if (grown || timer.deadline <= now) due[due.length] = timer;
    else wakeAt(timer.deadline);
  });
  for (let i = 0; i < due.length; i++) {
    const timer = due[i] as Timer;
    // One that has fired before may have cleared this one.
    if (young.has(timer)) timer.mature();
  }
}

// The time for which this isolate has kept its event loop from turning. A child can
// write faster than it is read; a reader that never waits would delay every timer,
// signal and other child. So code that reads on without waiting asks here first,
// whatever the number of bytes: the time that a caller spends on each piece counts,
// too.

/** The longest turn, in milliseconds; a deadline may be late by little more. */
const BUDGET_MS = 8;
let turnStart = -Infinity;

/** Notes that the event loop has just turned; called by the code that it has woken. */
export function turnBegan(): void {
  turnStart = performance.now();
}

/**
 * Whether it is time to let the event loop turn.
 *
 * @returns True also when no turn was noted for long.
 */
export function turnIsSpent(): boolean {
  return performance.now() - turnStart > BUDGET_MS;
}
