/**
 * Probes: a listener, an answer to a request, a file, looked for until it is there.
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";
import { shown } from "../validate.ts";

/** Something that is looked for until it is there. */
export interface Probe {
  /** What it is, in words. */
  readonly what: string;
  /**
   * Looks until it is there, or `over` says so.
   *
   * @param over Whether the wait is over.
   * @returns Whether it was there.
   * @throws what looking failed with, when trying again is of no use.
   */
  run(over: () => boolean): Promise<boolean>;
  /** Wakes it between two looks. */
  cancel(): void;
  /** Why it was not there at the last look. */
  obstacle(): unknown;
  /** Whom it is of, where that is not the child; else `null`. */
  objection(): string | null;
}

const LOOPBACK = ["127.0.0.1", "::1"];

function mayConnect({ hostname, port }: Deno.ConnectOptions): boolean {
  const host = `[${hostname}]:${port}`;
  return Deno.permissions.querySync({ name: "net", host }).state === "granted";
}

const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 100;

/**
 * A probe for a listening port.
 *
 * @param port The port.
 * @param hostname The host.
 * @param holder Names a process that holds a port of this machine and is not the
 * child's; `null`: anyone may.
 * @returns The probe.
 * @throws {TypeError} when the host is no string.
 * @throws {RangeError} when the port is none.
 */
export function probePort(
  port: unknown,
  hostname: unknown,
  holder: ((port: number) => string | null) | null = null,
): Probe {
  if (hostname !== undefined && (typeof hostname !== "string" || !hostname)) {
    throw new TypeError(
      `Invalid hostname: expected a host's name or address, got ${
        shown(hostname)
      }`,
    );
  }
  // A server that says "localhost" may listen on one of the two alone.
  const hosts = hostname === undefined ? LOOPBACK : [hostname];
  const number = typeof port === "number" ? port : -1;
  if (!Number.isInteger(number) || number < 1 || number > 65535) {
    throw new RangeError(
      `Invalid port: expected a whole number from 1 to 65535, got ${
        shown(port)
      }`,
    );
  }
  const isHere = /^(127\..*|::1|localhost)$/.test(hosts[0] as string);
  let objection: string | null = null;
  const what = `port ${hosts[0]}:${number}`;
  return polling(what, () => objection, async (signal) => {
    let failure: unknown = null;
    for (let i = 0; i < hosts.length; i++) {
      const address = { hostname: hosts[i] as string, port: number };
      // The first address alone is asked for; the other one as far as it is allowed.
      if (i > 0 && !mayConnect(address)) break;
      try {
        (await Deno.connect({ ...address, signal })).close();
        if (isHere) objection = holder?.(number) ?? null;
        return;
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  });
}

/**
 * A probe for a file.
 *
 * @param path The file.
 * @returns The probe.
 */
export function probeFile(path: string): Probe {
  return polling(`file '${path}'`, () => null, async () => {
    await Deno.stat(path);
  });
}

/**
 * A probe for an answer to an HTTP request.
 *
 * @param url The address.
 * @param status The status, or what says whether one is right.
 * @param client The client, or Deno's.
 * @returns The probe.
 * @throws {TypeError} for what is no such address, and no such status.
 */
export function probeUrl(
  url: unknown,
  status: unknown,
  client: Deno.HttpClient | undefined,
): Probe {
  const address = httpAddress(url);
  const isRight = statusCheck(status);
  const init = { redirect: "manual", ...client ? { client } : {} } as const;
  return polling(`URL ${address}`, () => null, async (signal) => {
    const answer = await request(address, { ...init, signal });
    await answer.body?.cancel();
    if (isRight(answer.status)) return;
    throw new Error(`${address} answered with status ${answer.status}`);
  });
}

// fetch() has a TypeError for a connection that is refused, too.
async function request(
  address: string,
  init: RequestInit & { client?: Deno.HttpClient },
): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Error(error.message, { cause: error });
  }
}

function httpAddress(url: unknown): string {
  const text = url instanceof URL ? url.href : url;
  if (typeof text === "string" && URL.canParse(text)) {
    const { href, protocol, username, password } = new URL(text);
    // fetch() refuses a password in an address, and it would stand in messages.
    const isPlain = username === "" && password === "";
    if (/^https?:$/.test(protocol) && isPlain) return href;
  }
  throw new TypeError(
    "Invalid url: expected an address that begins with http: or https:, without user and password",
  );
}

function statusCheck(status: unknown): (status: number) => boolean {
  if (status === undefined) return (found) => found < 400;
  if (typeof status === "function") {
    return (found) => status(found) === true;
  }
  if (typeof status === "number" && Number.isInteger(status)) {
    if (status >= 100 && status <= 599) return (found) => found === status;
  }
  throw new TypeError(
    `Invalid status: expected a whole number from 100 to 599, or a function, got ${
      shown(status)
    }`,
  );
}

function polling(
  what: string,
  objection: () => string | null,
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
    objection,
  };
}

// A missing permission does not come by waiting; everything else may.
function isFinal(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable || error instanceof TypeError;
}
