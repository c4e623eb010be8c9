/**
 * Tries cells: starts the owner that a cell wants, gives it a tree, ends one of the
 * two, and counts from outside what lives, by the file that it runs.
 *
 * @module
 */

import { until, within } from "../fixtures/deadline.ts";
import { readableDeno } from "../fixtures/other_user.ts";
import { alive, clean, tell } from "../chaos/observer.ts";
import { openWorkshop, type Workshop } from "../chaos/program.ts";
import { link } from "../real/observer.ts";
import { lines } from "../real/lines.ts";
import {
  CALLS,
  type Host,
  type Outcome,
  type Shape,
  SHAPES,
  type Way,
} from "./cells.ts";
import type { Task } from "./host.ts";

/** After the end of an owner; only a failure takes this long. */
const PATIENCE = 3000;
const NOBODY = "65534";

/** A process that owns the tree of a cell. */
class Owner {
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  constructor(argv: readonly string[], folder: string) {
    this.#process = new Deno.Command(argv[0]!, {
      args: argv.slice(1),
      env: { DENO_DIR: `${folder}/cache` },
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#lines = lines(this.#process.stdout)[Symbol.asyncIterator]();
    this.#input = this.#process.stdin.getWriter();
  }

  async write(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** The next line; fails when the owner has ended. */
  async read(what: string): Promise<string> {
    const { value, done } = await within(this.#lines.next(), what);
    if (done) throw new Error(`The owner has ended before: ${what}`);
    return value;
  }

  /** Signals Deno, which is below `unshare` where that is its parent. */
  signal(name: Deno.Signal): void {
    const { pid } = this.#process;
    const unshared = link(`/proc/${pid}/exe`).endsWith("/unshare");
    const path = `/proc/${pid}/task/${pid}/children`;
    const target = unshared ? parseInt(Deno.readTextFileSync(path)) : pid;
    // kill(2): 0 would be the group of this process.
    if (!(target > 1)) throw new Error("The owner has ended");
    Deno.kill(target, name);
  }

  async close(): Promise<void> {
    try {
      this.signal("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#process.status;
    await this.#input.abort().catch(() => {});
    await this.#lines.return?.();
  }
}

/** A place to try cells in, one after the other. */
export class Stage {
  readonly #workshop: Workshop;
  readonly #deno: Awaited<ReturnType<typeof readableDeno>>;
  readonly #owners = new Map<Host, Owner>();
  #trees = 0;

  private constructor(
    workshop: Workshop,
    deno: Awaited<ReturnType<typeof readableDeno>>,
  ) {
    this.#workshop = workshop;
    this.#deno = deno;
  }

  /** Needs root on Linux, and a C compiler. */
  static async open(): Promise<Stage> {
    const workshop = await openWorkshop();
    if (workshop.shell) throw new Error("The matrix needs a C compiler");
    const deno = await readableDeno();
    await Deno.mkdir(`${deno.folder}/cache`);
    await Deno.chmod(`${deno.folder}/cache`, 0o777);
    const host = new URL("host.ts", import.meta.url);
    await Deno.copyFile(host, `${deno.folder}/host.ts`);
    return new Stage(workshop, deno);
  }

  /** What comes of a cell. */
  async try(host: Host, way: Way, shape: string): Promise<Outcome> {
    const name = `t${this.#trees++}`;
    const file = `${this.#workshop.dir}/${name}`;
    const tree = SHAPES[shape] as Shape;
    // A copy: a link would have the same mode everywhere.
    await Deno.copyFile(`${this.#workshop.dir}/tree`, file);
    await Deno.chmod(file, tree.only === "user" ? 0o4755 : 0o755);
    const call = (CALLS as readonly string[]).includes(way);
    const owner = (call ? this.#owners.get(host) : undefined) ??
      this.#start(host, way === "terminate" ? 1 : 0);
    if (call) this.#owners.set(host, owner);
    try {
      return call
        ? await this.#call(owner, tree, way, file)
        : await this.#end(owner, tree, way, file);
    } finally {
      if (!call) await owner.close();
      clean(file);
      await Deno.remove(file);
    }
  }

  async #call(
    owner: Owner,
    tree: Shape,
    way: Way,
    file: string,
  ): Promise<Outcome> {
    // A machine under load takes longer until the tree stands.
    for (let timeout = 300;; timeout *= 2) {
      await owner.write(JSON.stringify(taskOf(tree, way, file, timeout)));
      await owner.read("the start");
      let stood = true;
      if (way.startsWith("output")) {
        const stands = () => alive(file).length === tree.processes;
        await until(stands, "", timeout).catch(() => stood = false);
      } else {
        await standing(tree, file);
        await owner.write("end");
      }
      const line = await owner.read(`${way} of ${tree.table}`);
      const left = alive(file);
      if (stood || timeout > PATIENCE) {
        return { left: left.length, told: line.replace(/^told /, "") };
      }
      clean(file);
    }
  }

  async #end(
    owner: Owner,
    tree: Shape,
    way: Way,
    file: string,
  ): Promise<Outcome> {
    await owner.write(JSON.stringify(taskOf(tree, way, file, 0)));
    await owner.read("the start");
    await standing(tree, file);
    if (way.startsWith("SIG")) owner.signal(way as Deno.Signal);
    else await owner.write(way === "terminate" ? way : "end");
    const gone = () => alive(file).length === 0;
    await until(gone, "", PATIENCE).catch(() => {});
    return { left: alive(file).length, told: "nothing" };
  }

  #start(host: Host, workers: number): Owner {
    const { folder, path, mod } = this.#deno;
    const depth = workers + (host === "worker" ? 1 : 0);
    const before = host === "process1"
      ? ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
      : host === "user"
      ? [
        "setpriv",
        `--reuid=${NOBODY}`,
        `--regid=${NOBODY}`,
        "--clear-groups",
      ]
      : [];
    // deno-fmt-ignore
    const deno = [path, "run", "--quiet", "--no-config", "--no-lock", "--no-check", "-A"];
    const args = [`${folder}/host.ts`, mod, String(depth), host];
    return new Owner([...before, ...deno, ...args], folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const owner of this.#owners.values()) await owner.close();
    clean(this.#workshop.dir);
    await Deno.remove(this.#workshop.dir, { recursive: true });
    // What swept for a guard may still be writing to its cache.
    await until(
      () => this.#deno.remove().then(() => true, () => false),
      "an empty folder",
    );
  }
}

async function standing(tree: Shape, file: string): Promise<void> {
  await until(() => alive(file).length === tree.processes, "").catch(() => {
    const found = alive(file).map(tell).join("; ");
    throw new Error(`${tree.table} does not stand: ${found}`);
  });
}

function taskOf(tree: Shape, way: Way, file: string, timeout: number): Task {
  const argv = [file, tree.table, "0"];
  const [program, ...args] = tree.below === undefined
    ? argv
    : [...tree.below, `exec ${file} '${tree.table}' 0`];
  const cwd = file.slice(0, file.lastIndexOf("/"));
  return { way, program: program as string, args, cwd, timeout };
}
