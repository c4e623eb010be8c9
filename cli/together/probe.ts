/**
 * Looks whether a command is ready, or still well: a port, a URL, a file, a text in
 * its output.
 *
 * @module
 */

import type { ReadyCheck } from "./service.ts";

const INTERVAL_MS = 100;
const PATIENCE_MS = 5000;

/**
 * Looks once.
 *
 * @param check The target; a line has none.
 * @param signal Ends the look.
 * @returns Whether it is there.
 */
export async function probe(
  check: ReadyCheck,
  signal: AbortSignal,
): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  try {
    switch (check.kind) {
      case "port": {
        const { hostname, port } = check;
        (await Deno.connect({ hostname, port, signal: limit })).close();
        return true;
      }
      case "url": {
        const response = await fetch(check.url, {
          signal: limit,
          redirect: "manual",
        });
        await response.body?.cancel();
        return response.status < 400;
      }
      case "file":
        return (await Deno.stat(check.path)) !== null;
      case "line":
        return false;
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/**
 * Looks until it is there.
 *
 * @param check The target.
 * @param signal Ends the looking.
 * @returns False when the looking was ended.
 */
export async function untilThere(
  check: ReadyCheck,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    if (await probe(check, signal)) return true;
    await pause(INTERVAL_MS, signal);
  }
  return false;
}

/** Resolves when the time is over, or the signal has fired. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

/** Finds a text in a stream of pieces, also across their borders. */
export class TextSearch {
  readonly #text: string;
  readonly #decoder = new TextDecoder();
  #tail = "";

  /** @param text The text that is looked for. */
  constructor(text: string) {
    this.#text = text;
  }

  /** Whether it has come by now. */
  push(bytes: Uint8Array): boolean {
    const all = this.#tail + this.#decoder.decode(bytes, { stream: true });
    this.#tail = all.slice(Math.max(0, all.length - this.#text.length + 1));
    return all.includes(this.#text);
  }
}
