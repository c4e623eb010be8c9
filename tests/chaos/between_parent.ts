// deno-lint-ignore-file no-console -- its parent reads what it prints
/**
 * Starts trees in one of several ways and is killed after the n-th native call
 * of that, or right behind the last: `between_parent.ts WAY N FILE TABLE`. Says
 * after which call.
 *
 * @module
 */

import type * as Library from "../../mod.ts";
import { callsMade, install, interrupt } from "../trust/injection/symbols.ts";

const [name, after, file, table] = Deno.args as [
  string,
  string,
  string,
  string,
];

install();
const lib = await import("../../mod.ts");
const { Command, Job, pipeline } = lib;

const NULL = { stdin: "null", stdout: "null", stderr: "null" } as const;
const PIPED = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;

function tree(options: Library.CommandOptions = {}): Library.Command {
  return new Command(file, {
    args: [table, "0"],
    ...NULL,
    // Some of the tree hears no signal: with a grace every case would take as long.
    killOnParentExit: "now",
    ...options,
  });
}

const start = (options?: Library.CommandOptions) => (): unknown =>
  tree(options).spawn();

/** What is done before, and what is interrupted. */
const WAYS: Readonly<Record<string, readonly [() => unknown, () => unknown]>> =
  {
    // The guard is started with the first.
    first: [() => {}, start()],
    second: [start(), start()],
    piped: [start(), start(PIPED)],
    suspended: [start(), start({ suspended: true })],
    prepared: [
      start(),
      start({ priority: "below-normal", limits: { openFiles: 64 } }),
    ],
    watched: [start(), start({ limits: { processes: 500 } })],
    umask: [start(), start({ umask: 0o77 })],
    session: [start(), start({ processGroup: "session" })],
    pty: [start(), start({ pty: true, stdin: "piped", stdout: "piped" })],
    user: [start(), start({ uid: 65534, gid: 65534 })],
    cgroup: [start(), start({ containment: "cgroup" })],
    group: [start(), start({ containment: "process-group" })],
    job: [start(), () => {
      const job = new Job({ killOnParentExit: "now" });
      for (let i = 0; i < 3; i++) job.spawn(tree());
    }],
    pipeline: [start(), () => {
      pipeline([1, 2, 3].map(() => [file, table, "0"]), {
        killOnParentExit: "now",
      });
    }],
    output: [start(), () => void tree({ stdout: "piped" }).output()],
    stop: [() => {}, async () => {
      const child = tree().spawn();
      const stop = child.stop({ grace: 0 });
      await Promise.race([stop, new Promise((done) => setTimeout(done, 5))]);
    }],
  };

function die(call: string): void {
  console.log(JSON.stringify({ call, made: callsMade().length }));
  Deno.kill(Deno.pid, "SIGKILL");
}

const way = WAYS[name];
if (way === undefined) throw new TypeError(`There is no way '${name}'`);
const [before, interrupted] = way;
before();
interrupt({ after: Number(after), act: die });
await interrupted();
die("all of them");
