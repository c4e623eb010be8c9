/**
 * Subprocesses that can be reliably killed: start a program in a container of
 * its own, wait with a timeout, and when time is up the program **and everything
 * it started** is gone.
 *
 * {@linkcode Command} is a drop-in for `Deno.Command`. Importing this module does
 * nothing and needs no permission; starting a program needs `--allow-ffi`, and
 * `--allow-run` for that program.
 *
 * - One program: {@linkcode Command}, its {@linkcode CommandOptions}, and the
 *   {@linkcode ChildProcess} that it starts; {@linkcode call} for exit codes alone.
 * - Several: {@linkcode Job}, which ends them together, and {@linkcode pipeline}.
 * - Trees that another program started: {@linkcode processTree}, {@linkcode killTree};
 *   why a process still lives: {@linkcode explain}.
 * - What this machine can promise: {@linkcode capabilities}; what a tree has got:
 *   {@linkcode ChildProcess.containment}.
 *
 * @example
 * ```ts
 * import { Command } from "@killable/process";
 *
 * const { code, timedOut } = await new Command(Deno.execPath(), {
 *   args: ["eval", "setTimeout(() => {}, 60_000)"],
 *   timeout: 200, // then SIGTERM to the whole tree …
 *   grace: 1000, // … and SIGKILL one second later to what is left of it
 * }).output();
 * console.log(code, timedOut); // 143 true
 * ```
 *
 * @module
 */

import { provideBackend } from "./backend/backend.ts";

// Only the half that this system runs is loaded. Literal specifiers: both are
// part of the module graph, so this asks for no permission.
provideBackend(
  Deno.build.os === "windows"
    ? (await import("./windows/backend.ts")).windowsBackend
    : (await import("./posix/backend.ts")).posixBackend,
);

export {
  Command,
  type CommandOptionsWithoutArgs,
  spawn,
  spawnAndWait,
  spawnAndWaitSync,
} from "./process/command.ts";
export { ChildProcess } from "./process/child_process.ts";
export type { KillOptions, WaitOptions } from "./process/run/run.ts";
export { type StopOptions } from "./process/run/stop.ts";
export type {
  ChildDescriptor,
  OutputName,
  OutputPolicy,
  TeeFunction,
  TeeTarget,
} from "./process/stdio/child_output.ts";
export type {
  FdFile,
  FdPipe,
  FdSource,
  InputFile,
  NamedListener,
  OpenDescriptor,
  OutputFile,
  StderrOption,
  StdinOption,
  StdoutOption,
} from "./process/options/stdio.ts";
export {
  inheritedListeners,
  listen,
  Listener,
  type TcpListenOptions,
  type UnixListenOptions,
} from "./process/listen.ts";
export type {
  SocketAddress,
  TcpAddress,
  UnixAddress,
} from "./ffi/socket_address.ts";
export type {
  BatchOptions,
  BatchProgress,
  BatchResult,
} from "./process/job/batch.ts";
export { Job, type JobResult } from "./process/job.ts";
export {
  Service,
  type ServiceCondition,
  type ServiceDependency,
  type ServiceHealth,
  type ServiceOptions,
  type ServiceResult,
  type ServiceState,
} from "./process/job/service.ts";
export type { JobStatus, JointStatus } from "./process/job/job_run.ts";
export type {
  JobLimits,
  JobOptions,
  JobPolicy,
} from "./process/job/options.ts";
export {
  pipeline,
  type PipelineOptions,
  type PipelineOutput,
} from "./process/pipeline.ts";
export { type CommandOptions, quote } from "./process/options/options.ts";
export type {
  ProcessPriority,
  WindowsOptions,
} from "./process/options/attributes.ts";
export type {
  LimitName,
  LimitReport,
  Limits,
  ResourceUsage,
  Usage,
  UsageSource,
} from "./backend/usage.ts";
export type {
  CommandOutput,
  CommandStatus,
  SampleOptions,
  TextOutput,
} from "./process/run/status.ts";
export type {
  StoppedProcess,
  StopReport,
  Survivor,
  TerminalSize,
} from "./backend/native.ts";
export type { LinesOptions, OutputLine } from "./process/stdio/lines.ts";
export type {
  ExpectOptions,
  ReadyCommonOptions,
  ReadyFileOptions,
  ReadyLineOptions,
  ReadyOptions,
  ReadyPortOptions,
  ReadyResult,
  ReadyUrlOptions,
} from "./process/ready/ready.ts";
export type {
  ProcessEvent,
  ProcessEventBase,
  ProcessEventDetails,
  ProcessEventHook,
} from "./process/run/events.ts";
export type { SubprocessReadableStream } from "./process/stdio/streams.ts";
export {
  type LeftoverOptions,
  noLeftovers,
  noLeftoversInTests,
} from "./process/leftovers.ts";
export {
  capabilities,
  explain,
  killTree,
  processTree,
} from "./process/tree.ts";
export {
  type Capabilities,
  type Containment,
  type ContainmentKind,
  type ContainmentRequest,
  type Explanation,
  type MechanismReport,
  type ProcessInfo,
  type Requirement,
  RequirementError,
  type TreeMechanism,
  type UnmetRequirement,
} from "./backend/containment.ts";
export {
  call,
  type CallOptions,
  checkCall,
  checkOutput,
  checkText,
} from "./process/call.ts";
export {
  CalledProcessError,
  type Leftover,
  LeftoversError,
  type NotReadyDetails,
  NotReadyError,
  type NotReadyReason,
  OutputLimitExceeded,
  type PartialOutput,
  SurvivorsError,
  SystemError,
  type SystemErrorDetails,
  TimeoutExpired,
} from "./backend/errors.ts";
export type {
  FileAccess,
  ProcessGroupMode,
  StdioMode,
} from "./backend/spec.ts";
