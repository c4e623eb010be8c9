/**
 * `CreateProcessW`, with the extended startup information.
 *
 * Pages: "CreateProcessW function", "STARTUPINFOEXW structure", "Inheritance
 * (Processes and Threads)".
 *
 * @module
 */

import { addressOf } from "../../ffi/library.ts";
import { Struct, wideString } from "../../ffi/memory.ts";
import {
  CREATE_UNICODE_ENVIRONMENT,
  EXTENDED_STARTUPINFO_PRESENT,
  HANDLE_FLAG_INHERIT,
  PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
  PROC_THREAD_ATTRIBUTE_JOB_LIST,
  PROCESS_INFORMATION,
  STARTF_USESHOWWINDOW,
  STARTF_USESTDHANDLES,
  STARTUPINFOEXW,
  STARTUPINFOW,
} from "./win32.ts";
import { windowsError } from "./errors.ts";
import {
  Handle,
  type RuntimeDescriptor,
  runtimeDescriptors,
} from "./handle.ts";
import { processes } from "./kernel32.ts";

/**
 * A job object, as far as a start needs it: a `JobObject` is one.
 *
 * @category Windows
 */
export interface OwnedJob {
  /** Its handle. */
  readonly handle: Handle;
}

/**
 * The program to start, and its attributes.
 *
 * @category Windows
 */
export interface ProcessRequest {
  /** Path of the program, or `null` to have it searched by the first word of the command line. */
  readonly application: string | null;
  /** The command line. */
  readonly commandLine: string;
  /** The environment block's text, or `null` for this process's environment. */
  readonly environment?: string | null;
  /** Working directory, or `null` for this process's. */
  readonly cwd?: string | null;
  /** Creation flags besides those for the environment and the startup information. */
  readonly flags?: number;
  /** `window station\desktop`, or `null` for this process's. */
  readonly desktop?: string | null;
  /** How the first window is shown (`SW_*`), or `null` as the program wants it. */
  readonly showWindow?: number | null;
  /** Standard input, output and error. They alone are inherited. */
  readonly stdio?: readonly [Handle, Handle, Handle] | null;
  /**
   * Further handles that are inherited, under the values they have here, and the
   * numbers by which a C runtime knows them. Only together with `stdio`.
   */
  readonly descriptors?: readonly RuntimeDescriptor[];
  /** The job that the process is born into, or nested ones, the outermost first. */
  readonly job?: OwnedJob | readonly OwnedJob[] | null;
}

/**
 * A started process. The caller owns both handles.
 *
 * @category Windows
 */
export interface CreatedProcess {
  /** The process. */
  readonly process: Handle;
  /** Its first thread. */
  readonly thread: Handle;
  /** Process id. */
  readonly pid: number;
  /** Id of the first thread. */
  readonly tid: number;
}

/**
 * Thrown inside when the job list is unknown or refused: then there is another way.
 *
 * @category Windows
 */
export class JobListRefused extends Error {
  /** The class's name. */
  override name = "JobListRefused";
}

/**
 * Starts a process.
 *
 * The handles in `stdio` are inheritable only between two calls in here, so
 * that a process which another thread starts meanwhile hardly ever gets them;
 * ours gets them and no others by `PROC_THREAD_ATTRIBUTE_HANDLE_LIST`.
 *
 * @param request The program and its attributes.
 * @returns The process.
 * @throws {SystemError} of `CreateProcessW`; nothing is left open then.
 * @throws {JobListRefused} when Windows does not take a list of jobs.
 * @throws {TypeError} when a string contains NUL.
 * @category Windows
 */
export function createProcess(request: ProcessRequest): CreatedProcess {
  refuseNul(request);
  const attributes = new AttributeList(2);
  try {
    const startup = startupInformation(request, attributes);
    const out = new Struct(PROCESS_INFORMATION);
    const code = call(request, startup, out);
    if (code !== 0) throw windowsError(code, "CreateProcessW");
    return {
      process: new Handle(out.bigint("hProcess")),
      thread: new Handle(out.bigint("hThread")),
      pid: out.number("dwProcessId"),
      tid: out.number("dwThreadId"),
    };
  } finally {
    attributes[Symbol.dispose]();
  }
}

function refuseNul(request: ProcessRequest): void {
  const { application, commandLine, cwd } = request;
  if (
    application?.includes("\0") || commandLine.includes("\0") ||
    cwd?.includes("\0") || request.desktop?.includes("\0")
  ) {
    throw new TypeError("Invalid command: a string contains NUL");
  }
}

function startupInformation(
  request: ProcessRequest,
  attributes: AttributeList,
): Struct<"StartupInfo" | "lpAttributeList"> {
  const extended = new Struct(STARTUPINFOEXW);
  const startup = new Struct(STARTUPINFOW, extended.part("StartupInfo"));
  startup.set("cb", STARTUPINFOEXW.size);
  extended.set("lpAttributeList", addressOf(attributes.bytes));
  const jobs = jobsOf(request.job ?? null);
  if (jobs.length > 0) {
    const code = attributes.setHandles(
      PROC_THREAD_ATTRIBUTE_JOB_LIST,
      jobs.map((job) => job.handle.value),
    );
    if (code !== 0) throw new JobListRefused(`error ${code}`);
  }
  let flags = 0;
  const show = request.showWindow ?? null;
  if (show !== null) {
    flags |= STARTF_USESHOWWINDOW;
    startup.set("wShowWindow", show);
  }
  const desktop = request.desktop ?? null;
  if (desktop !== null) {
    const text = wideString(desktop);
    attributes.keep(text);
    startup.set("lpDesktop", addressOf(text));
  }
  const stdio = request.stdio ?? null;
  if (stdio !== null) {
    const values = inheritedHandles(request);
    const code = attributes.setHandles(
      PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
      values,
    );
    if (code !== 0) throw windowsError(code, "UpdateProcThreadAttribute");
    flags |= STARTF_USESTDHANDLES;
    startup.set("hStdInput", stdio[0].value);
    startup.set("hStdOutput", stdio[1].value);
    startup.set("hStdError", stdio[2].value);
  }
  startup.set("dwFlags", flags);
  const runtime = runtimeDescriptors(request.descriptors ?? []);
  if (runtime.length > 0) {
    attributes.keep(runtime);
    startup.set("cbReserved2", runtime.length);
    startup.set("lpReserved2", addressOf(runtime));
  }
  return extended;
}

/**
 * One job or several, as several.
 *
 * @param job One, several, or none.
 * @returns All, the outermost first.
 */
export function jobsOf<Job extends OwnedJob>(
  job: Job | readonly Job[] | null,
): readonly Job[] {
  if (job === null) return [];
  return "handle" in job ? [job] : job;
}

/** One block without anything in between: see above about inheritance. */
function call(
  request: ProcessRequest,
  startup: Struct<"StartupInfo" | "lpAttributeList">,
  out: Struct<"hProcess" | "hThread" | "dwProcessId" | "dwThreadId">,
): number {
  const { application, commandLine, environment, cwd } = request;
  const path = application === null ? null : wideString(application);
  // CreateProcessW may write to the command line: it gets memory of its own.
  const line = wideString(commandLine);
  const block = environment == null ? null : wideString(environment);
  const directory = cwd == null ? null : wideString(cwd);
  const flags = ((request.flags ?? 0) | EXTENDED_STARTUPINFO_PRESENT |
    CREATE_UNICODE_ENVIRONMENT) >>> 0;
  const inherit = request.stdio == null ? 0 : 1;
  const handles = inheritedHandles(request);
  const k = processes();
  const before = setInheritable(handles);
  const ok = k.CreateProcessW(
    path,
    line,
    null,
    null,
    inherit,
    flags,
    block,
    directory,
    startup.bytes,
    out.bytes,
  );
  const code = ok ? 0 : k.GetLastError();
  restore(handles, before);
  return code;
}

// Each once: Windows refuses a list in which one stands twice.
function inheritedHandles(request: ProcessRequest): bigint[] {
  const stdio = request.stdio ?? null;
  if (stdio === null) return [];
  const handles = [stdio[0].value, stdio[1].value, stdio[2].value];
  const further = request.descriptors ?? [];
  for (let i = 0; i < further.length; i++) {
    const { handle } = further[i] as RuntimeDescriptor;
    if (!handles.includes(handle)) handles[handles.length] = handle;
  }
  return handles;
}

function setInheritable(handles: readonly bigint[]): Uint32Array {
  const before = new Uint32Array(new ArrayBuffer(4));
  const flags = new Uint32Array(handles.length);
  const k = processes();
  for (let i = 0; i < handles.length; i++) {
    // The standard streams are ours, and not inheritable.
    if (i >= 3) {
      k.GetHandleInformation(handles[i] as bigint, before);
      flags[i] = before[0] as number;
    }
    k.SetHandleInformation(
      handles[i] as bigint,
      HANDLE_FLAG_INHERIT,
      HANDLE_FLAG_INHERIT,
    );
  }
  return flags;
}

// A handle of the caller's may have been inheritable before.
function restore(handles: readonly bigint[], before: Uint32Array): void {
  for (let i = 0; i < handles.length; i++) {
    processes().SetHandleInformation(
      handles[i] as bigint,
      HANDLE_FLAG_INHERIT,
      before[i] as number,
    );
  }
}

// The attribute list of `STARTUPINFOEXW`: which handles a child inherits and
// which jobs it is born into.
//
// Pages: "InitializeProcThreadAttributeList function",
// "UpdateProcThreadAttribute function".

/**
 * A list of attributes. Windows keeps pointers to the values until it is disposed of.
 *
 * @category Windows
 */
export class AttributeList implements Disposable {
  /** The list, to be pointed to. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #values: ArrayBufferView<ArrayBuffer>[] = [];
  #disposed = false;

  /**
   * Makes an empty list.
   *
   * @param count How many attributes it has room for.
   * @throws {SystemError} when Windows refuses.
   */
  constructor(count: number) {
    const k = processes();
    const size = new BigUint64Array(new ArrayBuffer(8));
    // The first call fails by design: it tells the size.
    k.InitializeProcThreadAttributeList(null, count, 0, size);
    this.bytes = new Uint8Array(new ArrayBuffer(Number(size[0])));
    const ok = k.InitializeProcThreadAttributeList(this.bytes, count, 0, size);
    const code = ok ? 0 : k.GetLastError();
    if (code !== 0) {
      throw windowsError(code, "InitializeProcThreadAttributeList");
    }
  }

  /**
   * Sets an attribute whose value is an array of handles.
   *
   * @param attribute Its number.
   * @param handles The handles.
   * @returns 0, or the error code: an attribute may be unknown to this Windows.
   */
  setHandles(attribute: bigint, handles: readonly bigint[]): number {
    const values = new BigUint64Array(new ArrayBuffer(handles.length * 8));
    for (let i = 0; i < handles.length; i++) values[i] = handles[i] as bigint;
    this.#values.push(values);
    const k = processes();
    const ok = k.UpdateProcThreadAttribute(
      this.bytes,
      0,
      attribute,
      values,
      BigInt(values.byteLength),
      null,
      null,
    );
    return ok ? 0 : k.GetLastError();
  }

  /**
   * Keeps memory that the startup information points to as long as the list.
   *
   * @param memory The memory.
   */
  keep(memory: Uint8Array<ArrayBuffer>): void {
    this.#values.push(memory);
  }

  /** Gives the list up. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    processes().DeleteProcThreadAttributeList(this.bytes);
    this.#values.length = 0;
  }
}
