/**
 * The Win32 calls that this library is made of, as typed functions, for programs that
 * use `CreateProcessW` and job objects themselves; as `winprocess.py` was to
 * `killableprocess.py`.
 *
 * Nothing is opened until a function is called; then `--allow-ffi` is needed.
 * These functions go past Deno's run permission: a program that has them
 * has `--allow-ffi`, which is stronger.
 *
 * @example Start a process in a job and end its whole tree
 * ```ts ignore
 * import { createProcess, JobObject, waitForSingleObject } from "@killable/process/windows";
 *
 * using job = new JobObject();
 * const { process, thread } = createProcess({
 *   application: null,
 *   commandLine: "cmd.exe /c ping -n 60 127.0.0.1",
 *   job,
 * });
 * thread.close();
 * job.terminate(137);
 * waitForSingleObject(process, 5_000);
 * process.close();
 * ```
 *
 * @module
 */

export {
  bytesField,
  type Field,
  field,
  type FieldType,
  type Layout,
  Struct,
} from "../ffi/memory.ts";
export {
  AttributeList,
  type CreatedProcess,
  createProcess,
  JobListRefused,
  type OwnedJob,
  type ProcessRequest,
} from "./system/create_process.ts";
export { batchCommand, isBatchFile } from "./spawn/launch_plan.ts";
export {
  commandLine,
  MAX_COMMAND_LINE,
  quoteArgument,
} from "./system/command_line.ts";
export {
  type CommandLineRules,
  parseCommandLine,
} from "./system/command_line_parse.ts";
export {
  CompletionPort,
  completionPort,
  type PacketHandler,
  type Poller,
} from "./wait/completion_port.ts";
export {
  breakGroup,
  type ConsoleEvent,
  type ConsoleHelper,
  hasConsole,
  signalConsoleOf,
} from "./signal/console.ts";
export * from "./system/win32.ts";
export {
  childEnvironment,
  type Environment,
  environmentBlock,
  ownEnvironment,
} from "./spawn/executable.ts";
export {
  errorName,
  errorText,
  type FailureContext,
  windowsError,
} from "./system/errors.ts";
export {
  getExitCodeProcess,
  Handle,
  resumeThread,
  type RuntimeDescriptor,
  terminateProcess,
  waitForSingleObject,
} from "./system/handle.ts";
export {
  type JobLimits,
  JobObject,
  type JobOptions,
} from "./system/job_object.ts";
export { type JobEntry, startInJob } from "./containment/choose.ts";
export {
  commandLineOf,
  imagePath,
  openProcess,
  parentId,
  type ProcessEntry,
  processSnapshot,
  startTime,
} from "./system/process_table.ts";
export {
  adoptSocket,
  closeSocket,
  duplicateSocket,
  WSAPROTOCOL_INFOW_SIZE,
} from "./share_socket.ts";
