/**
 * One start of one program under observation.
 *
 * @module
 */

import { until, within } from "../fixtures/deadline.ts";
import type { Ended, Ending, LauncherPlan, Started } from "./launcher.ts";
import {
  clear,
  type Member,
  observe,
  observedArgs,
  type ObserverPlan,
  planObserver,
} from "./observer.ts";
import { lines } from "./lines.ts";
import { asUser, type Stage } from "./place.ts";
import type { Launch, Program } from "./programs.ts";

/** A started program. */
export class ProgramRun implements AsyncDisposable {
  readonly #observer: ObserverPlan;
  readonly #dir: string;
  readonly #launch: Launch;
  readonly #launcher: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #before: number[] = [];
  /** How the library holds it. */
  containment = "";

  private constructor(
    observer: ObserverPlan,
    dir: string,
    launch: Launch,
    launcher: Deno.ChildProcess,
  ) {
    this.#observer = observer;
    this.#dir = dir;
    this.#launch = launch;
    this.#launcher = launcher;
    this.#lines = lines(launcher.stdout);
  }

  /** Starts a launcher that starts the program; resolves when that is ready. */
  static async start(
    stage: Stage,
    program: Program,
    api: LauncherPlan["api"],
  ): Promise<ProgramRun> {
    const dir = await Deno.makeTempDir({ dir: stage.dir, prefix: "run-" });
    await Deno.chmod(dir, 0o777);
    const marker = `killable-real-${dir.slice(dir.lastIndexOf("/") + 1)}`;
    const observer = planObserver(
      Deno.uid() === 0 ? marker : dir.slice(dir.lastIndexOf("/") + 1),
    );
    const known: { run: ProgramRun | null } = { run: null };
    try {
      const count = () => known.run?.members().length ?? 0;
      const { deno, project } = stage;
      const port = freePort();
      const scene = { dir, port, count, deno, project };
      const launch = await program.prepare(scene);
      const plan: LauncherPlan = {
        observer,
        api,
        command: launch.command,
        args: launch.args,
        cwd: dir,
        env: { HOME: dir, ...launch.env },
      };
      const launcher = startLauncher(stage, plan, program.root ?? false);
      const run = new ProgramRun(observer, dir, launch, launcher);
      known.run = run;
      await run.#settle(program.name);
      return run;
    } catch (error) {
      await known.run?.[Symbol.asyncDispose]();
      await clear(observer);
      throw error;
    }
  }

  async #settle(name: string): Promise<void> {
    const started: Started = await this.#line();
    this.#before = started.before;
    this.containment = started.containment;
    await until(
      async () => await this.#launch.ready() && this.#isUp(started.pid),
      `${name} to be ready`,
      120_000,
    );
  }

  #isUp(leader: number): boolean {
    const members = this.members();
    const hasLeader = members.some(({ pid }) => pid === leader);
    return members.length > 0 && !(this.#launch.daemon && hasLeader);
  }

  /** The program's processes: without the launcher, its guard and the guard's own. */
  members(): Member[] {
    return observe(this.#observer).filter(({ pid, ppid }) =>
      !this.#before.includes(pid) && pid !== this.#launcher.pid &&
      !(this.#before.includes(ppid) && ppid !== this.#launcher.pid)
    );
  }

  /** Has the launcher end the program; what was left when the call returned. */
  async end(how: Ending = "stop"): Promise<Ended> {
    const writer = this.#launcher.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${how}\n`));
    writer.releaseLock();
    return await this.#line();
  }

  /** Kills the launcher; milliseconds until nothing of the program was left. */
  async killLauncher(): Promise<{ left: Member[]; ms: number }> {
    const began = performance.now();
    this.#launcher.kill("SIGKILL");
    let left = this.members();
    while (left.length > 0 && performance.now() - began < 10_000) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      left = this.members();
    }
    return { left, ms: performance.now() - began };
  }

  /** Resolves when the guard has gone too. */
  async guardGone(): Promise<void> {
    await until(
      () => observe(this.#observer).length === 0,
      "the guard's end",
      20_000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#launch.close?.();
    await clear(this.#observer);
    await this.#lines.return?.();
    await this.#launcher.stdin.close().catch(() => {});
    await this.#launcher.status;
    await Deno.remove(this.#dir, { recursive: true });
  }

  async #line<T>(): Promise<T> {
    const { value, done } = await within(
      this.#lines.next(),
      "the launcher",
      60_000,
    );
    if (done) throw new Error("The launcher ended");
    return JSON.parse(value);
  }
}

function startLauncher(
  stage: Stage,
  plan: LauncherPlan,
  root: boolean,
): Deno.ChildProcess {
  // deno-fmt-ignore
  const deno = [stage.deno, "run", "--quiet", "-A", "--no-lock", "--no-config", `${stage.project}tests/real/launcher.ts`, JSON.stringify(plan)];
  return new Deno.Command("/bin/sh", {
    args: observedArgs(plan.observer, asUser(deno, root)),
    env: { DENO_DIR: `${stage.dir}/deno_dir_${root ? "root" : "user"}` },
    cwd: "/",
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
