/** What starts others, keeps them running, or gives them a terminal. @module */

import { findProgram } from "./place.ts";
import type { Launch, Program, Scene } from "./programs.ts";
import { missing } from "./readiness.ts";

const SLEEPERS = "sleep 600 & sleep 600";

async function supervisord({ dir, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(
    `${dir}/supervisord.conf`,
    `[supervisord]
logfile=${dir}/log
pidfile=${dir}/pid
childlogdir=${dir}
[program:sleeper]
command=sleep 600
numprocs=3
process_name=%(process_num)d
autorestart=true
`,
  );
  return {
    command: findProgram("supervisord")!,
    args: ["-c", `${dir}/supervisord.conf`],
    ready: () => count() >= 4,
  };
}

async function daemontools({ dir, count }: Scene): Promise<Launch> {
  for (const name of ["a", "b"]) {
    await Deno.mkdir(`${dir}/service/${name}`, { recursive: true });
    await Deno.chmod(`${dir}/service/${name}`, 0o777);
    const script = `${dir}/service/${name}/run`;
    await Deno.writeTextFile(script, "#!/bin/sh\nexec sleep 600\n");
    await Deno.chmod(script, 0o755);
  }
  return {
    command: findProgram("svscan")!,
    args: [`${dir}/service`],
    // It, and for each service one that supervises.
    ready: () => count() >= 5,
  };
}

function daemon({ dir, count }: Scene): Launch {
  return {
    command: findProgram("daemon")!,
    // deno-fmt-ignore
    args: ["--respawn", "--name=real", `--pidfiles=${dir}`, "--", "sleep", "600"],
    ready: () => count() === 2,
  };
}

function startStopDaemon({ dir, count }: Scene): Launch {
  return {
    command: findProgram("start-stop-daemon")!,
    // deno-fmt-ignore
    args: ["--start", "--background", "--make-pidfile", "--pidfile", `${dir}/pid`, "--exec", findProgram("sleep")!, "--", "600"],
    daemon: true,
    ready: () => count() === 1,
  };
}

function screen({ dir, count }: Scene): Launch {
  return {
    command: findProgram("screen")!,
    args: ["-dmS", "real", "sh", "-c", SLEEPERS],
    env: { SCREENDIR: `${dir}/screen` },
    ready: () => count() >= 4,
  };
}

function dtach({ dir, count }: Scene): Launch {
  return {
    command: findProgram("dtach")!,
    args: ["-n", `${dir}/socket`, "sh", "-c", SLEEPERS],
    ready: () => count() >= 4,
  };
}

function script({ count }: Scene): Launch {
  return {
    command: findProgram("script")!,
    args: ["-q", "-c", `${SLEEPERS}; true`, "/dev/null"],
    ready: () => count() >= 4,
  };
}

function parallel({ count }: Scene): Launch {
  return {
    command: findProgram("parallel")!,
    args: ["-j4", "sleep", ":::", "600", "601", "602", "603"],
    ready: () => count() >= 5,
  };
}

function xargs({ count }: Scene): Launch {
  return {
    command: "/bin/sh",
    args: ["-c", "echo 600 600 600 600 600 600 | xargs -n 1 -P 6 sleep; true"],
    ready: () => count() >= 8,
  };
}

/** What starts others. */
export const supervisors: readonly Program[] = [
  {
    name: "supervisord, restarting 3",
    outlives: true,
    obstacle: () => missing("supervisord"),
    prepare: supervisord,
  },
  {
    name: "svscan and supervise (daemontools)",
    outlives: true,
    obstacle: () => missing("svscan", "supervise"),
    prepare: daemontools,
  },
  {
    name: "daemon --respawn",
    outlives: true,
    obstacle: () => missing("daemon"),
    prepare: daemon,
  },
  {
    name: "start-stop-daemon --background",
    outlives: true,
    obstacle: () => missing("start-stop-daemon"),
    prepare: startStopDaemon,
  },
  {
    name: "screen -dmS",
    outlives: true,
    obstacle: () => missing("screen"),
    prepare: screen,
  },
  {
    name: "dtach -n",
    outlives: true,
    obstacle: () => missing("dtach"),
    prepare: dtach,
  },
  {
    name: "script(1), a shell on a terminal",
    // The terminal hangs up.
    outlives: false,
    obstacle: () => missing("script"),
    prepare: script,
  },
  {
    name: "GNU parallel -j4",
    outlives: true,
    obstacle: () => missing("parallel"),
    prepare: parallel,
  },
  {
    name: "sh, xargs -P 6",
    outlives: true,
    obstacle: () => missing("xargs"),
    prepare: xargs,
  },
];
