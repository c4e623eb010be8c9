/**
 * Spawning: the job first, then the pipes, then the process, in its job from
 * birth and with exactly the handles it was asked to get.
 *
 * @module
 */

import type { Containment, NativeDescriptor, SpawnSpec } from "../backend.ts";
import { ChildHandles } from "./child_handles.ts";
import {
  CREATE_BREAKAWAY_FROM_JOB,
  CREATE_NEW_PROCESS_GROUP,
  CREATE_NO_WINDOW,
  CREATE_SUSPENDED,
} from "./constants.ts";
import type { CreatedProcess } from "./create_process.ts";
import { ERROR_ACCESS_DENIED, ERROR_INVALID_HANDLE } from "./error_codes.ts";
import { spawnError } from "./errors.ts";
import { SystemError } from "../errors.ts";
import { hasConsole } from "./console.ts";
import { JobObject } from "./job_object.ts";
import { type LaunchPlan, planLaunch } from "./launch_plan.ts";
import { PipeReader } from "./pipe_reader.ts";
import { PipeWriter } from "./pipe_writer.ts";
import { type JobEntry, startInJob } from "./start_in_job.ts";
import { StdioEnds } from "./stdio.ts";

/** A started program with everything that belongs to it; the receiver owns it all. */
export interface Spawned {
  /** The process. */
  readonly created: CreatedProcess;
  /** Its job. */
  readonly job: JobObject;
  /** Pipe to its stdin, or `null`. */
  readonly stdin: PipeWriter | null;
  /** Pipe from its stdout, or `null`. */
  readonly stdout: PipeReader | null;
  /** Pipe from its stderr, or `null`. */
  readonly stderr: PipeReader | null;
  /** Its further descriptors. */
  readonly fds: readonly NativeDescriptor[];
  /** Whether it shares our console, as a console group of its own. */
  readonly ownConsoleGroup: boolean;
  /** Whether its first thread does not run yet. */
  readonly suspended: boolean;
  /** The guarantee. */
  readonly containment: Containment;
}

/**
 * Starts a program.
 *
 * @param spec What to start.
 * @param entry How it comes into its job; the job list by default.
 * @returns The program and what belongs to it.
 * @throws {SystemError} when it cannot be started; nothing is left open then.
 */
export function spawnProcess(
  spec: SpawnSpec,
  entry: JobEntry = "job-list",
): Spawned {
  if (spec.containment !== "auto" && spec.containment !== "job-object") {
    throw new Deno.errors.NotSupported(
      `Cannot use containment '${spec.containment}': Windows has 'job-object'`,
    );
  }
  const plan = planLaunch(spec);
  using handles = new ChildHandles(spec.fds ?? []);
  const killOnClose = spec.killOnParentExit && !spec.detached;
  const job = new JobObject({ killOnClose });
  try {
    return start(spec, { plan, handles }, job, entry);
  } catch (error) {
    job.close();
    throw error;
  }
}

function start(
  spec: SpawnSpec,
  { plan, handles }: { plan: LaunchPlan; handles: ChildHandles },
  job: JobObject,
  entry: JobEntry,
): Spawned {
  const flags = creationFlags(spec);
  const ends = new StdioEnds([spec.stdin, spec.stdout, spec.stderr]);
  try {
    const created = create(
      spec,
      {
        ...plan,
        flags,
        stdio: ends.theirs,
        descriptors: handles.descriptors,
      },
      job,
      entry,
    );
    const stdin = ends.take(0);
    const stdout = ends.take(1);
    const stderr = ends.take(2);
    return {
      created,
      job,
      stdin: stdin === null ? null : new PipeWriter(stdin),
      stdout: stdout === null ? null : new PipeReader(stdout),
      stderr: stderr === null ? null : new PipeReader(stderr),
      fds: handles.take(),
      ownConsoleGroup: (flags & CREATE_NEW_PROCESS_GROUP) !== 0,
      suspended: spec.suspended,
      containment: {
        mechanism: "job-object",
        holdsEscapees: true,
        endsWithParent: spec.killOnParentExit && !spec.detached,
        notes: [],
      },
    };
  } finally {
    ends[Symbol.dispose]();
  }
}

/**
 * A child none of whose streams is ours gets a console of its own without a
 * window, which a soft stop can attach to; so does every child when we have no
 * console, because Windows would show it a new one. Otherwise it shares ours,
 * and gets a group of its own there so that CTRL_BREAK can be sent to it.
 */
function creationFlags(spec: SpawnSpec): number {
  let flags = spec.suspended ? CREATE_SUSPENDED : 0;
  const shares = spec.stdin === "inherit" || spec.stdout === "inherit" ||
    spec.stderr === "inherit";
  if (spec.detached || !shares || !hasConsole()) flags |= CREATE_NO_WINDOW;
  else if (spec.processGroup !== "inherit") flags |= CREATE_NEW_PROCESS_GROUP;
  if (spec.detached) flags |= CREATE_BREAKAWAY_FROM_JOB;
  return flags;
}

function create(
  spec: SpawnSpec,
  request: Parameters<typeof startInJob>[0],
  job: JobObject,
  entry: JobEntry,
): CreatedProcess {
  const flags = request.flags ?? 0;
  try {
    return startInJob(request, job, entry);
  } catch (error) {
    const code = error instanceof SystemError ? error.errno : 0;
    if (code === ERROR_ACCESS_DENIED && (flags & CREATE_BREAKAWAY_FROM_JOB)) {
      // The job that we are in ourselves keeps what it has: an outer tree
      // contains the inner ones, detached or not.
      const bound = flags & ~CREATE_BREAKAWAY_FROM_JOB;
      return create(spec, { ...request, flags: bound }, job, entry);
    }
    if (code === 0) throw error;
    // Wine calls a directory an invalid handle; Windows denies access to it.
    throw spawnError(
      code === ERROR_INVALID_HANDLE ? ERROR_ACCESS_DENIED : code,
      spec.command,
    );
  }
}
