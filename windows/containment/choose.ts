/**
 * How a process comes into its job before its first instruction, and what a job object
 * guarantees.
 *
 * @module
 */

import type { Capabilities } from "../../backend/containment.ts";
import { CREATE_SUSPENDED } from "../system/win32.ts";
import {
  type CreatedProcess,
  createProcess,
  JobListRefused,
  type ProcessRequest,
} from "../system/create_process.ts";
import { ERROR_ACCESS_DENIED } from "../system/errors.ts";
import { SystemError } from "../../backend/errors.ts";
import { resumeThread, terminateProcess } from "../system/handle.ts";
import { JobObject } from "../system/job_object.ts";

/**
 * How the process comes into its job.
 *
 * @category Windows
 */
export type JobEntry = "job-list" | "assign";

let jobListWorks = true;

/**
 * Starts a process in its job, which may be nested in others: by the job list
 * where Windows takes one, else suspended, assigned, resumed. With the list nothing can go wrong between the
 * process's birth and its membership, not even our own death.
 *
 * @param request What to start; its `job` is ignored.
 * @param job The job, or nested ones, the outermost first.
 * @param entry `"assign"` takes the second way in any case.
 * @param refused Called when Windows does not let the process into the job, before
 * the process has begun: it returns for the process to run outside, or throws.
 * @returns The process; suspended if `request.flags` asked for it.
 * @throws {SystemError} when it cannot be started or assigned; no process is left then.
 * @category Windows
 */
export function startInJob(
  request: ProcessRequest,
  job: JobObject | readonly JobObject[],
  entry: JobEntry = "job-list",
  refused: (error: SystemError) => void = refuse,
): CreatedProcess {
  if (entry === "job-list" && jobListWorks) {
    try {
      return createProcess({ ...request, job });
    } catch (error) {
      // Windows before version 10 knows no job list, and will not learn it.
      if (error instanceof JobListRefused) jobListWorks = false;
      // Access was denied to the program or to the job: the second way tells which.
      else if (!isDenied(error)) throw error;
    }
  }
  const jobs = job instanceof JobObject ? [job] : job;
  return startAndAssign(request, jobs, refused);
}

function refuse(error: SystemError): never {
  throw error;
}

function isDenied(error: unknown): error is SystemError {
  return error instanceof SystemError && error.errno === ERROR_ACCESS_DENIED;
}

function startAndAssign(
  request: ProcessRequest,
  jobs: readonly JobObject[],
  refused: (error: SystemError) => void,
): CreatedProcess {
  const flags = request.flags ?? 0;
  const created = createProcess({
    ...request,
    job: null,
    flags: flags | CREATE_SUSPENDED,
  });
  try {
    assign(created, jobs, refused);
    if ((flags & CREATE_SUSPENDED) === 0) resumeThread(created.thread);
    return created;
  } catch (error) {
    // winprocess.py left a suspended process behind here for ever.
    terminateProcess(created.process, 1);
    created.thread.close();
    created.process.close();
    throw error;
  }
}

// Jobs nest, except in one with limits of the user interface ("Nested Jobs"), as some
// services for builds have it around their tasks.
function assign(
  { process }: CreatedProcess,
  jobs: readonly JobObject[],
  refused: (error: SystemError) => void,
): void {
  try {
    for (let i = 0; i < jobs.length; i++) {
      (jobs[i] as JobObject).assign(process);
    }
  } catch (error) {
    if (!isDenied(error)) throw error;
    refused(error);
  }
}

/**
 * The mechanism of Windows.
 *
 * @returns It is always there.
 * @category Windows
 */
export function windowsCapabilities(): Capabilities {
  return {
    containment: "job-object",
    mechanisms: [{
      mechanism: "job-object",
      available: true,
      holdsEscapees: true,
      endsWithParent: true,
      why:
        "a process that a service starts for a member (WMI, Task Scheduler, COM, elevation by UAC) is not in the job",
    }],
  };
}
