/**
 * Looking again and again whether something is there: a listener, a file.
 *
 * @module
 */

import { Timer } from "./backend/timer.ts";
import { shown } from "./process/validate.ts";

/** Something that is looked for until it is there. */
export interface Probe {
  /** What it is, in words. */
  readonly what: string;
  /**
   * Looks until it is there, or `over` says so.
   *
   * @param over Whether nobody waits any more.
   * @returns Whether it was there.
   * @throws what looking failed with, when trying again is of no use.
   */
  run(over: () => boolean): Promise<boolean>;
  /** Wakes it between two looks. */
  cancel(): void;
  /** Why it was not there at the last look. */
  obstacle(): unknown;
}

const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 100;

/**
 * A probe for a listening port.
 *
 * @param port The port.
 * @param hostname The host.
 * @returns The probe.
 * @throws {TypeError} when the host is no string.
 * @throws {RangeError} when the port is none.
 */
export function probePort(port: unknown, hostname: unknown): Probe {
  const host = hostname ?? "127.0.0.1";
  if (typeof host !== "string" || host === "") {
    throw new TypeError(
      `Invalid hostname: expected a host's name or address, got ${shown(host)}`,
    );
  }
  const number = typeof port === "number" ? port : -1;
  if (!Number.isInteger(number) || number < 1 || number > 65535) {
    throw new RangeError(
      `Invalid port: expected a whole number from 1 to 65535, got ${
        shown(port)
      }`,
    );
  }
  const address = { hostname: host, port: number };
  return polling(`port ${host}:${number}`, async (signal) => {
    (await Deno.connect({ ...address, signal })).close();
  });
}

/**
 * A probe for a file.
 *
 * @param path The file.
 * @returns The probe.
 */
export function probeFile(path: string): Probe {
  return polling(`file '${path}'`, async () => {
    await Deno.stat(path);
  });
}

function polling(
  what: string,
  look: (signal: AbortSignal) => Promise<void>,
): Probe {
  // For a host that does not even refuse.
  const abort = new AbortController();
  let obstacle: unknown;
  let wake: (() => void) | null = null;
  const pause = async (ms: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = new Timer(ms, resolve);
    wake = resolve;
    await promise;
    timer.clear();
  };
  return {
    what,
    async run(over: () => boolean): Promise<boolean> {
      for (
        let ms = FIRST_PAUSE;
        !over();
        ms = Math.min(2 * ms, LONGEST_PAUSE)
      ) {
        try {
          await look(abort.signal);
          return !over();
        } catch (error) {
          if (over()) return false;
          if (isFinal(error)) throw error;
          obstacle = error;
        }
        await pause(ms);
      }
      return false;
    },
    cancel(): void {
      abort.abort();
      wake?.();
    },
    obstacle: () => obstacle,
  };
}

// A missing permission does not come by waiting; everything else may.
function isFinal(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable || error instanceof TypeError;
}
