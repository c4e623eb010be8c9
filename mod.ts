/**
 * Subprocesses that can be reliably killed: start a program in a container of
 * its own, wait with a timeout, and when time is up the program **and everything
 * it started** is gone.
 *
 * {@linkcode Command} is a drop-in for `Deno.Command`. Importing this module does
 * nothing and needs no permission; starting a program needs `--allow-ffi`, and
 * `--allow-run` for that program.
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

import { provideBackend } from "./backend.ts";

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
} from "./command.ts";
export {
  ChildProcess,
  type KillOptions,
  type StopOptions,
  type WaitOptions,
} from "./child_process.ts";
export type { ChildDescriptor } from "./child_descriptor.ts";
export type { FdFile, FdPipe, FdSource, NamedListener } from "./fds.ts";
export {
  inheritedListeners,
  listen,
  type TcpListenOptions,
  type UnixListenOptions,
} from "./listen.ts";
export { Listener } from "./listener.ts";
export type {
  SocketAddress,
  TcpAddress,
  UnixAddress,
} from "./ffi/socket_address.ts";
export { Job } from "./job.ts";
export type { JobLimits } from "./job_limits.ts";
export type { JobOptions, JobPolicy } from "./job_options.ts";
export type { JobResult, JobStatus } from "./job_result.ts";
export {
  pipeline,
  type PipelineOptions,
  type PipelineOutput,
} from "./pipeline.ts";
export type {
  CommandOptions,
  OutputPolicy,
  ProcessPriority,
} from "./options.ts";
export type { LimitName, LimitReport, Limits } from "./limits.ts";
export type { SampleOptions } from "./sample.ts";
export type { ResourceUsage, Usage, UsageSource } from "./usage.ts";
export type {
  InputFile,
  OpenDescriptor,
  OutputFile,
  StderrOption,
  StdinOption,
  StdoutOption,
} from "./stdio.ts";
export type { LinesOptions, OutputLine } from "./lines.ts";
export type {
  ReadyCommonOptions,
  ReadyFileOptions,
  ReadyLineOptions,
  ReadyOptions,
  ReadyPortOptions,
  ReadyResult,
} from "./ready_options.ts";
export type { OutputName, TeeFunction, TeeTarget } from "./tee.ts";
export type { CommandOutput, CommandStatus, StopReport } from "./status.ts";
export { SubprocessReadableStream } from "./streams.ts";
export { capabilities, killTree, processTree } from "./tree.ts";
export { call, type CallOptions, checkCall, checkOutput } from "./call.ts";
export {
  CalledProcessError,
  type NotReadyDetails,
  NotReadyError,
  type NotReadyReason,
  OutputLimitExceeded,
  type PartialOutput,
  type Survivor,
  SurvivorsError,
  SystemError,
  type SystemErrorDetails,
  TimeoutExpired,
} from "./errors.ts";
export type {
  Capabilities,
  Containment,
  ContainmentKind,
  ContainmentRequest,
  FileAccess,
  MechanismReport,
  ProcessGroupMode,
  ProcessInfo,
  StdioMode,
  TerminalSize,
  TreeMechanism,
} from "./backend.ts";
