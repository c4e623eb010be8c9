/**
 * The Windows side as typed functions, for those who need `CreateProcessW` and
 * job objects themselves: what `winprocess.py` was to `killableprocess.py`.
 *
 * Nothing is opened until a function is called; then `--allow-ffi` is needed.
 * These functions go past Deno's run permission: whoever has them has
 * `--allow-ffi`, which is stronger.
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

export { bytesField, field, Struct } from "../ffi/struct.ts";
export type { Field, FieldType, Layout } from "../ffi/struct.ts";
export { AttributeList } from "./attribute_list.ts";
export { batchCommand, isBatchFile } from "./batch_file.ts";
export {
  commandLine,
  MAX_COMMAND_LINE,
  quoteArgument,
} from "./command_line.ts";
export {
  type CommandLineRules,
  parseCommandLine,
} from "./command_line_parse.ts";
export { CompletionPort, completionPort } from "./completion_port.ts";
export type { PacketHandler, Poller } from "./completion_port.ts";
export { breakGroup, hasConsole, signalConsoleOf } from "./console.ts";
export type { ConsoleEvent } from "./console.ts";
export * from "./constants.ts";
export { createProcess, JobListRefused } from "./create_process.ts";
export type { CreatedProcess, ProcessRequest } from "./create_process.ts";
export {
  childEnvironment,
  type Environment,
  environmentBlock,
} from "./environment_block.ts";
export { errorName } from "./error_codes.ts";
export { type FailureContext, windowsError } from "./errors.ts";
export { Handle } from "./handle.ts";
export { type JobLimits, JobObject, type JobOptions } from "./job_object.ts";
export * from "./job_structs.ts";
export { errorText } from "./last_error.ts";
export { ownEnvironment } from "./own_environment.ts";
export {
  commandLineOf,
  imagePath,
  openProcess,
  parentId,
  startTime,
} from "./process_info.ts";
export { type ProcessEntry, processSnapshot } from "./process_table.ts";
export type { RuntimeDescriptor } from "./runtime_descriptors.ts";
export {
  adoptSocket,
  closeSocket,
  duplicateSocket,
  WSAPROTOCOL_INFOW_SIZE,
} from "./share_socket.ts";
export { type JobEntry, startInJob } from "./start_in_job.ts";
export * from "./structs.ts";
export {
  getExitCodeProcess,
  resumeThread,
  terminateProcess,
  waitForSingleObject,
} from "./wait.ts";
