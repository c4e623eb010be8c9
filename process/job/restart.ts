/**
 * Whether and when a program that has ended is started again: a state machine that
 * is told the time. It has no clock, no timer and no process of its own.
 *
 * The delay doubles from restart to restart and is jittered, so that programs which
 * failed together do not all come back in the same moment. A run that lasted long
 * enough puts the delay back to the beginning. More restarts than the limit allows
 * within its window end the attempts.
 *
 * @module
 */

/** When a program is started again: never, when it has failed, or always. */
export type RestartMode = "never" | "on-failure" | "always";

/** How a program is started again. */
export interface RestartPolicy {
  /** When. */
  readonly mode: RestartMode;
  /** Milliseconds before the first restart. */
  readonly delay: number;
  /** Milliseconds before any restart, at most. */
  readonly maxDelay: number;
  /** Which part of the delay is random: 0 none of it, 1 all of it. */
  readonly jitter: number;
  /** Restarts within {@linkcode RestartPolicy.window}, at most; Infinity for any number. */
  readonly limit: number;
  /** Milliseconds in which restarts are counted. */
  readonly window: number;
  /** Milliseconds that a run has to last for the delay to begin anew. */
  readonly resetAfter: number;
}

/** The defaults. */
export const RESTART_DEFAULTS: RestartPolicy = {
  mode: "never",
  delay: 250,
  maxDelay: 30_000,
  jitter: 0.25,
  limit: 10,
  window: 600_000,
  resetAfter: 10_000,
};

/** What follows an end. */
export type RestartDecision =
  | { readonly restart: true; readonly delay: number }
  | {
    readonly restart: false;
    /** `"mode"`: it is not asked for; `"limit"`: there were too many. */
    readonly because: "mode" | "limit";
  };

/** The restarts of one program. */
export class RestartState {
  readonly #policy: RestartPolicy;
  readonly #random: () => number;
  #startedAt = 0;
  // How often the delay has been doubled.
  #step = 0;
  #times: number[] = [];
  #count = 0;

  /**
   * @param policy When and how.
   * @param random A number from 0 up to 1, for the jitter.
   */
  constructor(policy: RestartPolicy, random: () => number = Math.random) {
    this.#policy = policy;
    this.#random = random;
  }

  /** How often it was started again. */
  get count(): number {
    return this.#count;
  }

  /**
   * The program has been started.
   *
   * @param now Milliseconds on any clock that only goes forward.
   */
  started(now: number): void {
    this.#startedAt = now;
  }

  /**
   * The program has ended.
   *
   * @param now Milliseconds on the same clock.
   * @param success Whether it ended well.
   * @returns Whether and when it is started again. A restart counts from here on.
   */
  ended(now: number, success: boolean): RestartDecision {
    const { mode, limit, window, resetAfter } = this.#policy;
    if (mode === "never" || mode === "on-failure" && success) {
      return { restart: false, because: "mode" };
    }
    if (now - this.#startedAt >= resetAfter) this.#step = 0;
    const recent: number[] = [];
    for (let i = 0; i < this.#times.length; i++) {
      const time = this.#times[i] as number;
      if (now - time < window) recent[recent.length] = time;
    }
    this.#times = recent;
    if (recent.length >= limit) return { restart: false, because: "limit" };
    recent[recent.length] = now;
    this.#count++;
    return { restart: true, delay: this.#nextDelay() };
  }

  #nextDelay(): number {
    const { delay, maxDelay, jitter } = this.#policy;
    const full = Math.min(delay * 2 ** this.#step, maxDelay);
    // 2 ** 64 ms are past any maximum; more steps would end at Infinity * 0.
    if (this.#step < 64) this.#step++;
    return full * (1 - jitter * this.#random());
  }
}
