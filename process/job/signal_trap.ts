/**
 * Signals to this process that mean something else than its end for a while.
 *
 * @module
 */

/** Listens to signals from {@linkcode SignalTrap.set} to {@linkcode SignalTrap.release}. */
export class SignalTrap {
  readonly #signals: readonly Deno.Signal[];
  readonly #received: (signal: Deno.Signal) => void;
  #listeners: (() => void)[] = [];

  /**
   * @param signals The signals.
   * @param received Called with each that comes.
   */
  constructor(
    signals: readonly Deno.Signal[],
    received: (signal: Deno.Signal) => void,
  ) {
    this.#signals = signals;
    this.#received = received;
  }

  /**
   * Begins to listen. Idempotent.
   *
   * @throws {TypeError} for a signal that nobody can listen to; none is then.
   */
  set(): void {
    if (this.#listeners.length > 0) return;
    try {
      for (let i = 0; i < this.#signals.length; i++) {
        const signal = this.#signals[i] as Deno.Signal;
        const listener = (): void => this.#received(signal);
        Deno.addSignalListener(signal, listener);
        this.#listeners[i] = listener;
      }
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Listens no longer: the signals have their own effect again. Idempotent. */
  release(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (let i = 0; i < listeners.length; i++) {
      Deno.removeSignalListener(
        this.#signals[i] as Deno.Signal,
        listeners[i] as () => void,
      );
    }
  }
}
