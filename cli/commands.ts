/**
 * The commands there are. A module is loaded when its command is used.
 *
 * @module
 */

import type { CommandEntry } from "./arguments/command_spec.ts";

/** All of them, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "run", load: () => import("./commands/run.ts") },
  { name: "timeout", load: () => import("./commands/timeout.ts") },
  { name: "together", load: () => import("./commands/together.ts") },
  { name: "init", load: () => import("./commands/init.ts") },
  { name: "tree", load: () => import("./commands/tree.ts") },
  { name: "kill", load: () => import("./commands/kill.ts") },
  { name: "explain", load: () => import("./commands/explain.ts") },
  { name: "doctor", load: () => import("./commands/doctor.ts") },
  { name: "completions", load: () => import("./commands/completions.ts") },
  { name: "man", load: () => import("./commands/man.ts") },
];
