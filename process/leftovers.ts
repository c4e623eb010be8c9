/**
 * Processes that outlive the test that started them: found, named with the place
 * of their spawn, and ended.
 *
 * @module
 */

import { backend } from "../backend/backend.ts";
import type { ProcessInfo } from "../backend/containment.ts";
import { type Leftover, LeftoversError } from "../backend/errors.ts";
import { checkForeignTreePermission } from "../backend/permissions.ts";
import { observeRuns, type Run } from "./run/run.ts";
import { runStop } from "./run/stop.ts";
import { duration } from "./validate.ts";

/**
 * Options of {@linkcode noLeftovers}.
 *
 * @category Tests
 */
export interface LeftoverOptions {
  /**
   * Milliseconds that processes which are just ending are waited for.
   *
   * @default {200}
   */
  patience?: number;
}

const DEFAULT_PATIENCE = 200;
const POLL_MS = 10;
const STOP = { signal: "SIGTERM" as Deno.Signal, grace: 0 };

// Where this package is: its own frames say nothing of the spawn. In the build
// of one file that is this file alone.
const HOME = import.meta.url.endsWith("/process/leftovers.ts")
  ? new URL("..", import.meta.url).href
  : import.meta.url;

/** A spawn that a scope has seen: one of this package, or of `Deno.Command`. */
interface Seen {
  readonly pid: number;
  readonly stack: string;
  /** `null` for a child of `Deno.Command`. */
  readonly run: Run | null;
}

const scopes = new Set<Scope>();

class Scope implements AsyncDisposable {
  readonly #patience: number;
  // Processes that were there before are of no concern.
  readonly #before = new Set<number>();
  readonly #seen: Seen[] = [];

  constructor(patience: number) {
    this.#patience = patience;
    const children = backend().children();
    for (let i = 0; i < children.length; i++) {
      this.#before.add((children[i] as ProcessInfo).pid);
    }
  }

  see(spawn: Seen): void {
    this.#before.delete(spawn.pid);
    this.#seen[this.#seen.length] = spawn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    scopes.delete(this);
    if (scopes.size === 0) stopObserving();
    const deadline = performance.now() + this.#patience;
    let found = this.#living();
    while (found.length > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      found = this.#living();
    }
    if (found.length === 0) return;
    await this.#end(found);
    throw new LeftoversError(found);
  }

  #living(): Leftover[] {
    const found: Leftover[] = [];
    const known = new Set<number>();
    for (let i = 0; i < this.#seen.length; i++) {
      const seen = this.#seen[i] as Seen;
      const infos = membersOf(seen);
      for (let j = 0; j < infos.length; j++) {
        add(found, known, infos[j] as ProcessInfo, seen);
      }
    }
    // Those of Deno.Command.output(), for example, which starts without spawn().
    const children = backend().children();
    for (let i = 0; i < children.length; i++) {
      const child = children[i] as ProcessInfo;
      if (!this.#before.has(child.pid)) add(found, known, child, null);
    }
    return found;
  }

  // A failure to end one must not hide the error of the test.
  async #end(found: readonly Leftover[]): Promise<void> {
    for (let i = 0; i < this.#seen.length; i++) {
      const { run, pid } = this.#seen[i] as Seen;
      if (run !== null && !run.native.treeIsEmpty()) await endRun(run);
      if (run === null && found.some((one) => one.pid === pid)) {
        await endForeign(pid);
      }
    }
  }
}

function membersOf({ run, pid }: Seen): ProcessInfo[] {
  if (run !== null) return run.native.treeIsEmpty() ? [] : run.native.members();
  const children = backend().children();
  if (!children.some((child) => child.pid === pid)) return [];
  try {
    return backend().openTree(pid).members();
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

function add(
  found: Leftover[],
  known: Set<number>,
  { pid, name, command }: ProcessInfo,
  seen: Seen | null,
): void {
  if (known.has(pid)) return;
  known.add(pid);
  found[found.length] = {
    pid,
    name,
    command,
    stack: seen?.stack ?? null,
    by: seen?.run ? "Command" : "Deno.Command",
  };
}

async function endRun(run: Run): Promise<void> {
  try {
    await run.stop({ grace: 0 });
  } catch {
    // The error of the scope names what there is.
  }
}

async function endForeign(pid: number): Promise<void> {
  try {
    checkForeignTreePermission();
    const state = { deadline: 0, watch: null };
    await runStop(
      backend().openTree(pid),
      { command: `process ${pid}`, ...STOP },
      state,
    );
  } catch {
    // It may not be ended from here, or has ended.
  }
}

/**
 * Fails at the end of its scope when processes live that were started in it: by
 * this package, or by `Deno.Command`. The error names each process, its command
 * line, and the place in the code that started it; then they are ended, so that
 * the next test starts with nothing of this one.
 *
 * The trees of this package are looked at as a whole, with daemons. Of
 * `Deno.Command`, the children of this process and what descends from them is
 * found; not a daemon whose parents have ended. A `detached` child counts as well.
 *
 * @param options How long it waits for processes that are just ending: `patience` in
 * milliseconds, by default 200.
 * @returns The scope, for `await using`.
 * @throws {RangeError} when the patience is no duration.
 * @throws {LeftoversError} when the scope ends and something lives.
 *
 * @category Tests
 * @example A test
 * ```ts
 * import { Command, noLeftovers } from "@killable/process";
 *
 * async function test() {
 *   await using _ = noLeftovers();
 *   const { success } = await new Command(Deno.execPath(), {
 *     args: ["eval", "1"],
 *   }).output();
 *   console.log(success); // true
 * }
 * await test();
 * ```
 */
export function noLeftovers(options: LeftoverOptions = {}): AsyncDisposable {
  const patience = duration(options.patience, "patience", DEFAULT_PATIENCE);
  const scope = new Scope(patience);
  if (scopes.size === 0) observe();
  scopes.add(scope);
  return scope;
}

/**
 * {@linkcode noLeftovers} for each test of this file: call it once, at the top.
 *
 * @param options As for {@linkcode noLeftovers}.
 * @throws {Deno.errors.NotSupported} outside of `deno test`, and before Deno 2.5,
 * which has no hooks: `await using _ = noLeftovers()` in each test does the same.
 *
 * @category Tests
 * @example
 * ```ts ignore
 * import { noLeftoversInTests } from "@killable/process";
 *
 * noLeftoversInTests();
 * ```
 */
export function noLeftoversInTests(options: LeftoverOptions = {}): void {
  const { beforeEach, afterEach } = Deno.test;
  if (beforeEach === undefined || afterEach === undefined) {
    throw new Deno.errors.NotSupported(
      "Cannot look for leftovers after each test: Deno.test has no hooks before Deno 2.5. Begin each test with 'await using _ = noLeftovers()'",
    );
  }
  let scope: AsyncDisposable | null = null;
  beforeEach(() => {
    scope = noLeftovers(options);
  });
  afterEach(async () => {
    await scope?.[Symbol.asyncDispose]();
  });
}

// Spawns are observed only while there is a scope: a stack takes time.

let original: typeof Deno.Command.prototype.spawn | null = null;

function observe(): void {
  observeRuns((run) => see({ pid: run.native.pid, stack: placeOf(), run }));
  const spawn = Deno.Command.prototype.spawn;
  original = spawn;
  Deno.Command.prototype.spawn = function (this: Deno.Command) {
    const child = spawn.call(this);
    see({ pid: child.pid, stack: placeOf(), run: null });
    return child;
  };
}

function stopObserving(): void {
  observeRuns(null);
  if (original !== null) Deno.Command.prototype.spawn = original;
  original = null;
}

function see(spawn: Seen): void {
  scopes.forEach((scope) => scope.see(spawn));
}

// The frames of the caller.
function placeOf(): string {
  const lines = (new Error().stack ?? "").split("\n");
  const frames: string[] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    const own = line.includes(HOME) && !line.includes(`${HOME}tests/`) &&
      !line.includes(`${HOME}examples/`);
    if (!own) frames[frames.length] = line;
  }
  return frames.join("\n");
}
