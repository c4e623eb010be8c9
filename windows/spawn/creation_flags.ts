/**
 * Which console a child gets, and the other flags it is created with.
 *
 * Pages: "Process Creation Flags", "Creation of a Console", "Console Process
 * Groups".
 *
 * @module
 */

import type { SpawnSpec } from "../../backend/spec.ts";
import { priorityClass } from "./scheduling.ts";
import {
  CREATE_BREAKAWAY_FROM_JOB,
  CREATE_NEW_PROCESS_GROUP,
  CREATE_NO_WINDOW,
  CREATE_SUSPENDED,
} from "../system/constants.ts";

/** What there is to reach a child with. */
export interface ConsoleSituation {
  /** Whether this process has a console. */
  readonly console: boolean;
  /** Whether a helper can attach to another console for us. */
  readonly helper: boolean;
}

/**
 * The flags.
 *
 * A child none of whose streams is ours gets a console of its own without a
 * window, which a soft stop can attach to; so does every child when we have no
 * console, because Windows would show it a new one. Otherwise it shares ours,
 * and gets a group of its own there so that CTRL_BREAK can be sent to it. It
 * also shares ours when a console of its own would be out of reach.
 *
 * @param spec What is to be started.
 * @param situation What there is to reach it with.
 * @returns Flags for `CreateProcessW`.
 */
export function creationFlags(
  spec: Pick<
    SpawnSpec,
    | "stdin"
    | "stdout"
    | "stderr"
    | "detached"
    | "suspended"
    | "processGroup"
    | "affinity"
    | "nice"
  >,
  situation: ConsoleSituation,
): number {
  const shares = spec.stdin === "inherit" || spec.stdout === "inherit" ||
    spec.stderr === "inherit" || !situation.helper;
  // The CPUs are set before its first instruction.
  const suspended = spec.suspended || spec.affinity !== null;
  let flags = suspended ? CREATE_SUSPENDED : 0;
  flags |= priorityClass(spec.nice);
  if (spec.detached || !situation.console || !shares) flags |= CREATE_NO_WINDOW;
  else if (spec.processGroup !== "inherit") flags |= CREATE_NEW_PROCESS_GROUP;
  if (spec.detached) flags |= CREATE_BREAKAWAY_FROM_JOB;
  return flags;
}
