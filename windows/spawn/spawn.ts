/**
 * Spawning: the job first, then the pipes, then the process, in its job from
 * birth and with exactly the handles it was asked to get.
 *
 * @module
 */

import { type Containment, refuseUnmet } from "../../backend/containment.ts";
import { SystemError } from "../../backend/errors.ts";
import type { NativeDescriptor } from "../../backend/native.ts";
import type { SpawnSpec } from "../../backend/spec.ts";
import type { Limits } from "../../backend/usage.ts";
import {
  type JobEntry,
  startInJob,
  windowsCapabilities,
} from "../containment/choose.ts";
import { hasConsole, helperAvailable, withCtrlC } from "../signal/console.ts";
import { PipeReader, PipeWriter } from "../stdio/pipe.ts";
import { ChildHandles, refuseClosed, StdioEnds } from "../stdio/stdio.ts";
import {
  CREATE_BREAKAWAY_FROM_JOB,
  CREATE_NEW_CONSOLE,
  CREATE_NEW_PROCESS_GROUP,
  CREATE_NO_WINDOW,
  JOB_OBJECT_LIMIT_BREAKAWAY_OK,
} from "../system/win32.ts";
import type { CreatedProcess } from "../system/create_process.ts";
import {
  ERROR_ACCESS_DENIED,
  ERROR_INVALID_HANDLE,
  spawnError,
} from "../system/errors.ts";
import { resumeThread, terminateProcess } from "../system/handle.ts";
import { JobObject } from "../system/job_object.ts";
import {
  creationFlags,
  type LaunchPlan,
  planLaunch,
  startupChoice,
} from "./launch_plan.ts";
import {
  affinityMask,
  heldByJob,
  jobLimits,
  setAffinityMask,
} from "./resource_limits.ts";

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
  /** Its limits, or `null`. */
  readonly limits: Limits | null;
  /** The guarantee. */
  readonly containment: Containment;
}

/**
 * Starts a program.
 *
 * @param spec The validated specification.
 * @param entry How it comes into its job; the job list by default.
 * @param outer The job that its own is nested in, or `null`.
 * @returns The running child with its handles.
 * @throws {SystemError} when it cannot be started; nothing is left open then.
 * @throws {RangeError} for CPUs that do not exist.
 * @throws {Deno.errors.NotSupported} for an option that Windows does not have.
 * @throws {Deno.errors.BadResource} for a handle of `fds` that is not open.
 */
export function spawnProcess(
  spec: SpawnSpec,
  entry: JobEntry = "job-list",
  outer: JobObject | null = null,
): Spawned {
  if (spec.containment !== "auto" && spec.containment !== "job-object") {
    throw new Deno.errors.NotSupported(
      `Cannot use containment '${spec.containment}': Windows has 'job-object'`,
    );
  }
  refusePosixOnly(spec);
  if (spec.affinity !== null) affinityMask(spec.affinity, spec.command);
  const plan = planLaunch(spec);
  if (spec.fds !== null) refuseClosed(spec.fds);
  // The streams first: see there.
  const ends = new StdioEnds(
    [spec.stdin, spec.stdout, spec.stderr],
    spec.command,
  );
  try {
    return startWith(ends, spec, plan, entry, outer);
  } finally {
    ends[Symbol.dispose]();
  }
}

function startWith(
  ends: StdioEnds,
  spec: SpawnSpec,
  plan: LaunchPlan,
  entry: JobEntry,
  outer: JobObject | null,
): Spawned {
  // The child has its own when it is started.
  using handles = spec.fds === null
    ? null
    : new ChildHandles(spec.fds, spec.command);
  const killOnClose = spec.killOnParentExit && !spec.detached;
  const limits = jobLimits(spec.limits);
  const limitFlags = spec.windows?.breakaway
    ? JOB_OBJECT_LIMIT_BREAKAWAY_OK
    : 0;
  const job = new JobObject({ killOnClose, limits, limitFlags });
  try {
    const jobs = outer === null ? [job] : [outer, job];
    return start({ ends, handles }, spec, plan, job, jobs, entry);
  } catch (error) {
    job.close();
    throw error;
  }
}

// `uid`, `gid` and `processGroup` are ignored, as in Deno; any other option that
// Windows does not have is an error.
function refusePosixOnly(spec: SpawnSpec): void {
  const { groups, umask, pty } = spec;
  let what = "";
  if (groups !== null) what = "'groups': Windows has none for a process";
  if (umask !== null) what = "'umask': Windows has access control lists";
  if (pty !== null) {
    what =
      "'pty': a pseudoconsole (CreatePseudoConsole) is not implemented. Use pipes";
  }
  if (what === "") return;
  throw new Deno.errors.NotSupported(`Cannot use ${what}`);
}

interface ChildEnds {
  readonly ends: StdioEnds;
  readonly handles: ChildHandles | null;
}

function start(
  { ends, handles }: ChildEnds,
  spec: SpawnSpec,
  plan: LaunchPlan,
  job: JobObject,
  jobs: readonly JobObject[],
  entry: JobEntry,
): Spawned {
  let containment = containmentOf(spec);
  requireOf(spec, containment);
  const flags = creationFlags(spec, {
    console: hasConsole(),
    helper: helperAvailable(),
  });
  const request = {
    ...plan,
    ...startupChoice(spec.windows ?? null),
    flags,
    stdio: ends.theirs,
    descriptors: handles === null ? [] : handles.descriptors,
  };
  const refused = (error: SystemError) => {
    containment = outsideOf(spec, jobs.length, error);
    requireOf(spec, containment);
  };
  const created = create(spec, request, { jobs, entry, refused });
  if (spec.affinity !== null) confine(created, spec, spec.affinity);
  const stdin = ends.take(0);
  const stdout = ends.take(1);
  const stderr = ends.take(2);
  return {
    created,
    job,
    stdin: stdin === null ? null : new PipeWriter(stdin),
    stdout: stdout === null ? null : new PipeReader(stdout),
    stderr: stderr === null ? null : new PipeReader(stderr),
    fds: handles === null ? [] : handles.take(),
    ownConsoleGroup: (flags & CREATE_NEW_PROCESS_GROUP) !== 0,
    suspended: spec.suspended,
    limits: spec.limits,
    containment,
  };
}

function containmentOf(spec: SpawnSpec): Containment {
  const { killOnParentExit, detached, windows } = spec;
  const leaves = windows?.breakaway === true;
  return {
    mechanism: "job-object",
    holdsEscapees: !leaves,
    endsWithParent: killOnParentExit && !detached,
    notes: leaves
      ? ["'windows: { breakaway: true }' lets members leave the job"]
      : [],
  };
}

function requireOf(spec: SpawnSpec, containment: Containment): void {
  refuseUnmet(spec.required, {
    command: spec.command,
    containment,
    limits: spec.limits,
    held: heldByJob(spec.limits),
    capabilities: windowsCapabilities,
  });
}

// What holds a child that Windows does not let into a job. Whatever only a job can do
// and the caller has asked for is no weaker then: the child is not started.
function outsideOf(
  spec: SpawnSpec,
  jobs: number,
  error: SystemError,
): Containment {
  let needs = "";
  if (spec.limits !== null) needs = "'limits'";
  if (jobs > 1) needs = "a member of a Job";
  if (spec.containment === "job-object") needs = "containment 'job-object'";
  if (needs !== "") {
    throw new Deno.errors.NotSupported(
      `Failed to spawn '${spec.command}': ${needs} takes a job object, and the job that this process is in lets no other be nested in it (os error ${error.errno}). Start this process outside of that job`,
    );
  }
  return {
    mechanism: "ancestry",
    holdsEscapees: false,
    endsWithParent: false,
    notes: [
      "the job that this process is in lets no other be nested in it: the tree is known by the ids of parents, outlives this process, and a member whose parent ended before it was seen is not found",
    ],
  };
}

// Before its first instruction; nothing of it stays when that fails.
function confine(
  created: CreatedProcess,
  spec: SpawnSpec,
  cpus: readonly number[],
): void {
  const { process, thread } = created;
  try {
    const mask = affinityMask(cpus, spec.command);
    setAffinityMask(process, mask, spec.command);
    if (!spec.suspended) resumeThread(thread);
  } catch (error) {
    terminateProcess(process, 1);
    thread.close();
    process.close();
    throw error;
  }
}

/** How a process comes into its job. */
interface Entrance {
  readonly jobs: readonly JobObject[];
  readonly entry: JobEntry;
  /** Windows does not let it in. */
  readonly refused: (error: SystemError) => void;
}

function create(
  spec: SpawnSpec,
  request: Parameters<typeof startInJob>[0],
  way: Entrance,
): CreatedProcess {
  const { jobs, entry, refused } = way;
  const flags = request.flags ?? 0;
  try {
    // On our console, CTRL_C is switched off in the child as it is here.
    const ownConsole = (flags & (CREATE_NO_WINDOW | CREATE_NEW_CONSOLE)) !== 0;
    const start = () => startInJob(request, jobs, entry, refused);
    return ownConsole ? withCtrlC(start) : start();
  } catch (error) {
    const code = error instanceof SystemError ? error.errno : 0;
    if (code === ERROR_ACCESS_DENIED && (flags & CREATE_BREAKAWAY_FROM_JOB)) {
      // The job of this process itself keeps its members: an outer tree
      // contains the inner ones, detached or not.
      const bound = flags & ~CREATE_BREAKAWAY_FROM_JOB;
      return create(spec, { ...request, flags: bound }, way);
    }
    if (code === 0) throw error;
    // Wine calls a directory an invalid handle; Windows denies access to it.
    throw spawnError(
      code === ERROR_INVALID_HANDLE ? ERROR_ACCESS_DENIED : code,
      spec.command,
    );
  }
}
