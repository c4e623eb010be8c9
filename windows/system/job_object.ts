/**
 * Job objects: the kernel's own container for a tree of processes.
 *
 * Every process that a member starts is a member. One call ends them all, and with
 * KILL_ON_JOB_CLOSE so does the end of the process that holds the only handle, from
 * any cause.
 *
 * Pages: "Job Objects", "CreateJobObjectW function", "Nested Jobs".
 *
 * @module
 */

import { Struct } from "../../ffi/memory.ts";
import {
  JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
  JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION,
  JOB_OBJECT_LIMIT_JOB_MEMORY,
  JOB_OBJECT_LIMIT_JOB_TIME,
  JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
  JOBOBJECT_ASSOCIATE_COMPLETION_PORT,
  JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
  JobObjectAssociateCompletionPortInformation,
  JobObjectBasicAccountingInformation,
  JobObjectBasicProcessIdList,
  JobObjectExtendedLimitInformation,
} from "./win32.ts";
import { ERROR_MORE_DATA, windowsError } from "./errors.ts";
import { Handle } from "./handle.ts";
import { atUnload, notAtUnload } from "./isolate_end.ts";
import { jobs } from "./kernel32.ts";

/**
 * Limits of a job; see page "JOBOBJECT_BASIC_LIMIT_INFORMATION structure".
 *
 * @category Windows
 */
export interface JobLimits {
  /** Committed memory, in bytes. */
  readonly memory?: number;
  /** User time, in milliseconds. */
  readonly userTime?: number;
  /** Living members. */
  readonly processes?: number;
}

/**
 * The settings of a job.
 *
 * @category Windows
 */
export interface JobOptions {
  /**
   * End every member when the last handle to the job is closed.
   * @default {true}
   */
  readonly killOnClose?: boolean;
  /**
   * Limits of all members together.
   * @default {none}
   */
  readonly limits?: JobLimits;
  /**
   * More `JOB_OBJECT_LIMIT_*` flags that need no further value.
   * @default {0}
   */
  readonly limitFlags?: number;
}

/**
 * A job object. Its handle is never inherited: a copy in a child would keep the tree alive.
 *
 * @category Windows
 */
export class JobObject implements Disposable {
  readonly #handle: Handle;
  readonly #close = (): void => this.close();

  /**
   * Creates a job without a name.
   *
   * @param options Its settings.
   * @throws {SystemError} when Windows refuses; nothing is left open then.
   */
  constructor(options: JobOptions = {}) {
    const k = jobs();
    const value = k.CreateJobObjectW(null, null);
    const code = value === 0n ? k.GetLastError() : 0;
    if (code !== 0) throw windowsError(code, "CreateJobObjectW");
    this.#handle = new Handle(value).closeAtThreadEnd();
    try {
      const kill = (options.killOnClose ?? true)
        ? JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
        : 0;
      // A member that crashes ends, instead of waiting for the answer to a dialog.
      const flags = JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION | kill |
        (options.limitFlags ?? 0);
      this.#limit(flags, options.limits ?? {});
      if (kill !== 0) atUnload(this.#close);
    } catch (error) {
      this.#handle.close();
      throw error;
    }
  }

  /** The handle, for native calls. The job stays its owner. */
  get handle(): Handle {
    return this.#handle;
  }

  #limit(flags: number, limits: JobLimits): void {
    const { memory, userTime, processes } = limits;
    const info = new Struct(JOBOBJECT_EXTENDED_LIMIT_INFORMATION);
    if (memory !== undefined) {
      flags |= JOB_OBJECT_LIMIT_JOB_MEMORY;
      info.set("JobMemoryLimit", BigInt(memory));
    }
    if (userTime !== undefined) {
      flags |= JOB_OBJECT_LIMIT_JOB_TIME;
      info.set("PerJobUserTimeLimit", BigInt(Math.ceil(userTime * 10_000)));
    }
    if (processes !== undefined) {
      flags |= JOB_OBJECT_LIMIT_ACTIVE_PROCESS;
      info.set("ActiveProcessLimit", Math.min(processes, 0xFFFFFFFF));
    }
    info.set("LimitFlags", flags);
    this.setInformation(JobObjectExtendedLimitInformation, info.bytes);
  }

  /**
   * Reads one of the job's information classes. Page "QueryInformationJobObject function".
   *
   * @param informationClass The class's number.
   * @param bytes Receives its structure.
   * @throws {SystemError} when Windows refuses.
   */
  information(
    informationClass: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): void {
    const k = jobs();
    const ok = k.QueryInformationJobObject(
      this.#handle.value,
      informationClass,
      bytes,
      bytes.byteLength,
      null,
    );
    const code = ok ? 0 : k.GetLastError();
    if (code !== 0) throw windowsError(code, "QueryInformationJobObject");
  }

  /**
   * Sets one of the job's information classes. Page "SetInformationJobObject function".
   *
   * @param informationClass The class's number.
   * @param bytes Its structure.
   * @throws {SystemError} when Windows refuses.
   */
  setInformation(
    informationClass: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): void {
    const k = jobs();
    const ok = k.SetInformationJobObject(
      this.#handle.value,
      informationClass,
      bytes,
      bytes.byteLength,
    );
    const code = ok ? 0 : k.GetLastError();
    if (code !== 0) throw windowsError(code, "SetInformationJobObject");
  }

  /**
   * Has the job's messages sent to a completion port. They are hints: Windows
   * does not guarantee their delivery.
   *
   * Page "JOBOBJECT_ASSOCIATE_COMPLETION_PORT structure".
   *
   * @param port The port.
   * @param key The key that its packets carry.
   * @throws {SystemError} when the job has a port already.
   */
  notify(port: Handle, key: bigint): void {
    const association = new Struct(JOBOBJECT_ASSOCIATE_COMPLETION_PORT);
    association.set("CompletionKey", key);
    association.set("CompletionPort", port.value);
    this.setInformation(
      JobObjectAssociateCompletionPortInformation,
      association.bytes,
    );
  }

  /**
   * Puts a process into the job. Page "AssignProcessToJobObject function".
   *
   * @param process The process, with the rights to end it and to set its quota.
   * @throws {SystemError} when it has ended, or is in a job that does not nest.
   */
  assign(process: Handle): void {
    const k = jobs();
    const ok = k.AssignProcessToJobObject(this.#handle.value, process.value);
    const code = ok ? 0 : k.GetLastError();
    if (code !== 0) throw windowsError(code, "AssignProcessToJobObject");
  }

  /**
   * Whether a process is a member. Page "IsProcessInJob function".
   *
   * @param process The process.
   * @returns Whether it is in this job or one nested in it.
   * @throws {SystemError} when Windows refuses the question.
   */
  contains(process: Handle): boolean {
    const k = jobs();
    const out = new Uint32Array(new ArrayBuffer(4));
    const ok = k.IsProcessInJob(process.value, this.#handle.value, out);
    const code = ok ? 0 : k.GetLastError();
    if (code !== 0) throw windowsError(code, "IsProcessInJob");
    return out[0] !== 0;
  }

  /**
   * How many members live, nested jobs included.
   *
   * @returns The number.
   * @throws {SystemError} when Windows refuses the question.
   */
  activeProcesses(): number {
    const info = new Struct(JOBOBJECT_BASIC_ACCOUNTING_INFORMATION);
    this.information(JobObjectBasicAccountingInformation, info.bytes);
    return info.number("ActiveProcesses");
  }

  /**
   * The ids of the members.
   *
   * @returns The ids, the console host that Windows adds included.
   * @throws {SystemError} when Windows refuses the question.
   */
  processIds(): number[] {
    const k = jobs();
    for (let room = 64;; room *= 2) {
      const bytes = new Uint8Array(new ArrayBuffer(8 + room * 8));
      const ok = k.QueryInformationJobObject(
        this.#handle.value,
        JobObjectBasicProcessIdList,
        bytes,
        bytes.byteLength,
        null,
      );
      const code = ok ? 0 : k.GetLastError();
      // The tree may grow between two looks, so the room grows too.
      if (code === ERROR_MORE_DATA) continue;
      if (code !== 0) throw windowsError(code, "QueryInformationJobObject");
      return idsOf(bytes);
    }
  }

  /**
   * Ends every member. Page "TerminateJobObject function". Asynchronous: they
   * are gone when {@linkcode JobObject.activeProcesses} is 0.
   *
   * @param exitCode The exit code they get.
   * @throws {SystemError} when Windows refuses.
   */
  terminate(exitCode: number): void {
    const k = jobs();
    const ok = k.TerminateJobObject(this.#handle.value, exitCode);
    const code = ok ? 0 : k.GetLastError();
    if (code !== 0) throw windowsError(code, "TerminateJobObject");
  }

  /** Closes the job's handle. Idempotent. Ends the members, unless `killOnClose` is off. */
  close(): void {
    notAtUnload(this.#close);
    this.#handle.close();
  }

  /** See {@linkcode JobObject.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function idsOf(bytes: Uint8Array<ArrayBuffer>): number[] {
  // JOBOBJECT_BASIC_PROCESS_ID_LIST: two counts, then ids of pointer size.
  const view = new DataView(bytes.buffer);
  const count = view.getUint32(4, true);
  const ids: number[] = [];
  for (let i = 0; i < count; i++) {
    ids.push(Number(view.getBigUint64(8 + i * 8, true)));
  }
  return ids;
}
