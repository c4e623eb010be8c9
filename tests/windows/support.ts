/**
 * What the tests of the Windows backend share.
 *
 * @module
 */

import { provideBackend } from "../../backend/backend.ts";
import type { ExitStatus, NativeProcess } from "../../backend/native.ts";
import type { SpawnSpec } from "../../backend/spec.ts";
import { windowsBackend } from "../../windows/backend.ts";
import * as kernel32 from "../../windows/system/kernel32.ts";
import { sockets } from "../../windows/socket.ts";
import { processSnapshot } from "../../windows/system/process_table.ts";

// As `mod.ts` does: what checks a permission asks the backend for a broker.
provideBackend(windowsBackend);

/** These tests need Windows, or Wine. */
export const ignore: boolean = Deno.build.os !== "windows";

/** Wine says what it is; for the few tests that are left to Windows. */
export function isWine(): boolean {
  if (ignore) return false;
  const ntdll = Deno.dlopen("ntdll.dll", {
    wine_get_version: { parameters: [], result: "pointer", optional: true },
  });
  const found = ntdll.symbols.wine_get_version !== null;
  ntdll.close();
  return found;
}

/** A library opened inside a test counts as a leak of it; and a pending port as its op. */
export function openLibraries(): void {
  if (ignore) return;
  for (const open of Object.values(kernel32)) {
    if (typeof open === "function") open();
  }
  sockets();
}

/**
 * Puts a function in the place of a bound one, for what this system cannot show;
 * undone by the returned one.
 */
export function replaceCall<Table>(
  table: Table,
  name: keyof Table & string,
  // deno-lint-ignore no-explicit-any -- the parameters are those of the C function
  by: (...parameters: any[]) => unknown,
): () => void {
  const writable = table as Record<string, unknown>;
  const bound = writable[name];
  writable[name] = by;
  return () => {
    writable[name] = bound;
  };
}

/** A complete specification. */
export function spec(
  command: string,
  args: readonly string[],
  more: Partial<SpawnSpec> = {},
): SpawnSpec {
  return {
    command,
    args,
    cwd: null,
    clearEnv: false,
    envNames: [],
    envValues: [],
    groups: null,
    umask: null,
    nice: null,
    affinity: null,
    foreground: false,
    pty: null,
    uid: null,
    gid: null,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    fds: null,
    listenPid: false,
    windowsRawArguments: false,
    detached: false,
    containment: "auto",
    killOnParentExit: true,
    endSignal: "SIGTERM",
    endGrace: 0,
    processGroup: "auto",
    suspended: false,
    limits: null,
    apiName: "test",
    ...more,
  };
}

/** Arguments that have Deno run a fixture. */
export function fixture(name: string, ...args: string[]): string[] {
  const script = import.meta.resolve(`./fixtures/${name}.ts`);
  // deno-fmt-ignore
  return ["run", "--quiet", "--no-config", "--no-lock", "--no-check", "-A", script, ...args];
}

/** A started child, with its exit as a promise. */
export interface Started extends AsyncDisposable {
  readonly child: NativeProcess;
  readonly exited: Promise<ExitStatus>;
  /** Everything that it writes to stdout from now on. */
  text(): Promise<string>;
  /** What it writes to stdout, up to the end of a line. */
  line(): Promise<string>;
}

/** Starts a child whose tree ends with the scope. */
export function start(request: SpawnSpec): Started {
  const child = windowsBackend().spawn(request);
  const exit = Promise.withResolvers<ExitStatus>();
  child.onExit = exit.resolve;
  const decoder = new TextDecoder();
  const view = new Uint8Array(65_536);
  async function piece(): Promise<string> {
    const count = await child.stdout!.read(view, false);
    return count === 0 ? "" : decoder.decode(view.subarray(0, count));
  }
  return {
    child,
    exited: exit.promise,
    async text() {
      let text = "";
      for (let next = await piece(); next !== ""; next = await piece()) {
        text += next;
      }
      return text;
    },
    async line() {
      let text = "";
      while (!text.includes("\n")) {
        const next = await piece();
        if (next === "") break;
        text += next;
      }
      return text.trim();
    },
    async [Symbol.asyncDispose]() {
      child.killTree();
      await exit.promise;
      await child.watchTree().wait(10_000);
      child.stdin?.close();
      child.stdout?.close();
      child.stderr?.close();
      child.release();
      child.retire();
      await child.settled();
    },
  };
}

/** Whether a process lives, by the system's table and not by the library's view. */
export function alive(pid: number): boolean {
  return processSnapshot().some((entry) => entry.pid === pid);
}

/** Waits until something holds; fails after `ms`. */
export async function until(
  what: string,
  holds: () => boolean,
  ms = 15_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
