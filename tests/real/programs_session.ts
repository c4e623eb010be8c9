/**
 * Programs that open a PAM session, which sets all resource limits anew: each leaves
 * a sleeper in a session of its own below it, and one that the shell waits for.
 *
 * @module
 */

import { findProgram, ROOT } from "./place.ts";
import type { Launch, Program } from "./programs.ts";
import { missing } from "./readiness.ts";

const SLEEPERS = "(setsid sleep 600 &); sleep 600; :";

function session(
  name: string,
  program: string,
  args: readonly string[],
  processes: number,
): Program {
  return {
    name,
    root: true,
    outlives: true,
    obstacle: () => ROOT ? missing(program) : "only root needs no password",
    prepare: ({ count }): Launch => ({
      command: "/bin/sh",
      args: ["-c", '"$@"; :', "sh", findProgram(program)!, ...args, SLEEPERS],
      ready: () => count() >= processes,
    }),
  };
}

/** The programs. */
export const sessions: readonly Program[] = [
  // The shell, the program, its shell and two sleepers.
  session("su -c", "su", ["nobody", "-s", "/bin/sh", "-c"], 5),
  session("su -l", "su", ["-l", "root", "-c"], 5),
  session("runuser", "runuser", ["-u", "nobody", "--", "sh", "-c"], 4),
  session("sudo", "sudo", ["-n", "-u", "nobody", "sh", "-c"], 5),
  session("sudo -i", "sudo", ["-n", "-i", "-u", "root", "sh", "-c"], 5),
];
