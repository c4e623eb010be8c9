/**
 * Children of other code in the same process: those of `Deno.Command` and of
 * `node:child_process`. Nothing may end them or take their status.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { within } from "../fixtures/deadline.ts";
import { statOf } from "../real/observer.ts";
import type { Buffer } from "node:buffer";

const HANG_MS = 30_000;

/** What starts it. */
export type StrangerKind = "deno" | "node";

const LONG_MS = 3_500_000;

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

interface Child {
  readonly pid: number;
  kill(signal: "SIGUSR1"): void;
  readonly ended: Promise<Ended>;
}

function start(
  kind: StrangerKind,
  file: string,
  code: number,
  ms: number,
): Child {
  const args = ["stranger", String(code), String(ms)];
  if (kind === "node") {
    const child = spawn(file, args, { stdio: "ignore" });
    // Its types want to know what `spawn` might have piped.
    type Exit = (code: number | null, signal: string | null) => void;
    const on = child.on.bind(child) as (
      event: string,
      handler: Exit | ((chunk: Buffer) => void),
    ) => void;
    const ended = new Promise<Ended>((resolve) =>
      on("exit", (code, signal) => resolve({ code, signal } as Ended))
    );
    return {
      pid: child.pid ?? 0,
      kill: (signal) => void child.kill(signal),
      ended,
    };
  }
  const child = new Deno.Command(file, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const ended = child.status.then(({ code, signal }) =>
    signal === null ? { code, signal } : { code: null, signal }
  );
  return { pid: child.pid, kill: (signal) => child.kill(signal), ended };
}

/** One that ends by itself, with a code of its own; why that went wrong, or "". */
export async function shortStranger(
  kind: StrangerKind,
  file: string,
  ms: number,
): Promise<string> {
  const code = 20 + Math.floor(ms) % 40;
  const child = start(kind, file, code, ms);
  const ended = await within(child.ended, "", HANG_MS).catch(() => null);
  if (ended === null) {
    const state = statOf(child.pid)?.state ?? "gone";
    return `${kind} child ${child.pid} did not end, or nobody said so: ${state}`;
  }
  const { code: seen, signal } = ended;
  if (seen === code) return "";
  return `${kind} child: code ${seen}, signal ${signal} instead of ${code}`;
}

/** Some that live until they are told to end. */
export class LongStrangers {
  readonly #children: Child[] = [];
  readonly #early: Ended[] = [];
  #closing = false;

  constructor(file: string, count: number) {
    for (let i = 0; i < count; i++) {
      const child = start(i % 2 === 0 ? "deno" : "node", file, 0, LONG_MS);
      this.#children.push(child);
      this.#watch(child);
    }
  }

  async #watch(child: Child): Promise<void> {
    const ended = await child.ended;
    if (!this.#closing) this.#early.push(ended);
  }

  /** Ends them; what went wrong with any of them. */
  async close(): Promise<string[]> {
    this.#closing = true;
    const wrong = this.#early.map((ended) =>
      `a long-lived child ended: ${JSON.stringify(ended)}`
    );
    for (const child of this.#children) {
      try {
        child.kill("SIGUSR1");
      } catch {
        // It has ended; what came of it is told below.
      }
    }
    for (const child of this.#children) {
      const ended = await child.ended;
      if (ended.signal !== "SIGUSR1" && wrong.length === 0) {
        wrong.push(`a child's status was lost: ${JSON.stringify(ended)}`);
      }
    }
    return wrong;
  }
}
