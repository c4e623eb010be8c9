/** Shapes of trees, made with shells and interpreters. @module */

import { asUser, findProgram, succeeds } from "./place.ts";
import type { Launch, Program, Scene } from "./programs.ts";
import { answers, missing } from "./readiness.ts";

// A python of the user's own may be where `nobody` cannot look.
const PYTHON = findProgram("/usr/bin/python3", "python3");

function shell(script: string, processes: number): Program["prepare"] {
  return ({ count }) => ({
    command: "/bin/sh",
    args: ["-c", script],
    ready: () => count() >= processes,
  });
}

function perl(source: string, processes: number): Program["prepare"] {
  return ({ count }) => ({
    command: findProgram("perl")!,
    args: ["-MPOSIX", "-e", source],
    daemon: true,
    ready: () => count() >= processes,
  });
}

// Each link of the chain lives for some 20 ms.
const CHAIN = `
for (;;) { exit if fork; select undef, undef, undef, 0.02; }`;

// Two forks, a session, no environment, another name, no descriptor.
const DAEMON = `
exit if fork; setsid(); exit if fork; chdir "/"; %ENV = (); $0 = "nobody knows";
POSIX::close($_) for 0 .. 2; if (fork) { sleep 600 } else { $0 = ""; setsid(); sleep 600 }`;

const POOL = `
import multiprocessing, time
if __name__ == "__main__":
    multiprocessing.set_start_method("forkserver")
    with multiprocessing.Pool(4) as pool: pool.map(time.sleep, [600] * 4, 1)
`;

async function multiprocessing({ dir, count }: Scene): Promise<Launch> {
  // The workers import it: it must be a file.
  await Deno.writeTextFile(`${dir}/pool.py`, POOL);
  return {
    command: PYTHON!,
    args: [`${dir}/pool.py`],
    // The program, a resource tracker, a server of forks and its four.
    ready: () => count() >= 7,
  };
}

const CLUSTER = `
const cluster = require("node:cluster");
if (cluster.isPrimary) for (let i = 0; i < 4; i++) cluster.fork();
else require("node:http").createServer((_, response) => response.end("hello"))
  .listen(Number(process.argv[2]), "127.0.0.1");
`;

async function cluster({ dir, port, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(`${dir}/cluster.js`, CLUSTER);
  return {
    command: findProgram("node")!,
    args: [`${dir}/cluster.js`, String(port)],
    ready: async () =>
      count() >= 5 && await answers(port, "GET / HTTP/1.0\r\n\r\n", "hello"),
  };
}

// It detaches what it starts, ignores SIGTERM, and starts again what has ended.
const FOREVER = `
const { spawn } = require("node:child_process");
process.on("SIGTERM", () => {});
const start = () => spawn("sleep", ["600"], { detached: true, stdio: "ignore" }).on("exit", start);
for (let i = 0; i < 3; i++) start();
`;

async function forever({ dir, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(`${dir}/forever.js`, FOREVER);
  return {
    command: findProgram("node")!,
    args: [`${dir}/forever.js`],
    ready: () => count() >= 4,
  };
}

const SLEEPERS = `sleep 600 & setsid sleep 600 & wait`;

function unshare({ count }: Scene): Launch {
  return {
    command: findProgram("unshare")!,
    // deno-fmt-ignore
    args: ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "sh", "-c", SLEEPERS],
    ready: () => count() >= 4,
  };
}

function bubblewrap({ count }: Scene): Launch {
  return {
    command: findProgram("bwrap")!,
    // deno-fmt-ignore
    args: ["--dev-bind", "/", "/", "--unshare-user", "--unshare-pid", "sh", "-c", SLEEPERS],
    ready: () => count() >= 5,
  };
}

function nested({ deno, project, dir, count }: Scene): Launch {
  return {
    command: deno,
    // deno-fmt-ignore
    args: ["run", "--quiet", "-A", "--no-lock", "--no-config", `${project}tests/real/nested.ts`],
    env: { DENO_DIR: `${dir}/deno_dir` },
    // Two of this library's users, with a guard and four sleepers each.
    ready: () => count() >= 12,
  };
}

/** Why an unprivileged user cannot have a container; empty when it can. */
async function namespaceObstacle(program: string): Promise<string> {
  if (missing(program) !== "") return missing(program);
  const works = await succeeds(
    asUser([findProgram("unshare")!, "-Ur", "--pid", "--fork", "true"]),
  );
  return works ? "" : "user namespaces are not allowed here";
}

/** Shapes of trees. */
export const shapes: readonly Program[] = [
  {
    name: "sh: three sessions, one in another",
    outlives: true,
    obstacle: () => missing("setsid"),
    prepare: shell(
      `setsid sh -c 'sleep 600 & setsid sh -c "sleep 600 & setsid sleep 600 & wait" & wait' & wait`,
      6,
    ),
  },
  {
    name: "sh: a daemon every 20 ms, up to 100",
    outlives: true,
    obstacle: () => missing("setsid"),
    prepare: shell(
      `i=0; while [ $i -lt 100 ]; do (setsid sleep 600 &); sleep 0.02; i=$((i + 1)); done; wait`,
      20,
    ),
  },
  {
    name: "sh: deaf to every soft signal",
    outlives: true,
    obstacle: () => missing("setsid"),
    prepare: shell(
      `trap '' TERM HUP INT QUIT; setsid sleep 600 & sleep 600 & wait; sleep 600; sleep 600`,
      3,
    ),
  },
  {
    name: "sh: a stopped process, and env -i",
    outlives: true,
    obstacle: () => missing("setsid"),
    prepare: shell(
      `setsid sh -c 'kill -STOP $$; sleep 600' & env -i setsid sleep 600 & wait`,
      3,
    ),
  },
  {
    name: "perl: a chain of forks, 50 a second",
    outlives: true,
    obstacle: () => missing("perl"),
    prepare: perl(CHAIN, 1),
  },
  {
    name: "perl: double fork, no environment, another name",
    outlives: true,
    obstacle: () => missing("perl"),
    prepare: perl(DAEMON, 2),
  },
  {
    name: "python multiprocessing, forkserver",
    // Its workers end when they miss it, where they notice.
    outlives: false,
    obstacle: () => PYTHON === null ? "not installed: python3" : "",
    prepare: multiprocessing,
  },
  {
    name: "node cluster, 4 workers",
    // The workers end when their channel closes.
    outlives: false,
    obstacle: () => missing("node"),
    prepare: cluster,
  },
  {
    name: "node: detaches, ignores SIGTERM, restarts",
    outlives: true,
    obstacle: () => missing("node"),
    prepare: forever,
  },
  {
    name: "unshare: a pid namespace of its own",
    outlives: true,
    obstacle: () => namespaceObstacle("unshare"),
    prepare: unshare,
  },
  {
    name: "bubblewrap: a container",
    outlives: true,
    obstacle: () => namespaceObstacle("bwrap"),
    prepare: bubblewrap,
  },
  {
    name: "deno with this library, in it another",
    outlives: true,
    obstacle: () => "",
    prepare: nested,
  },
];
