/**
 * Commands whose outputs are the next one's inputs, without a shell.
 *
 * @module
 */

import { backend, type ChildPipe } from "../backend/backend.ts";
import type { StdioTarget } from "../backend/spec.ts";
import type { ChildProcess } from "./child_process.ts";
import { Command, prepare, type Prepared } from "./command.ts";
import { refusePipedFds } from "./options/stdio.ts";
import { Job, type JobResult, type JobStatus, startInJob } from "./job.ts";
import type { JobOptions } from "./job/options.ts";
import type { LimitName } from "../backend/limits.ts";
import { addStream, type CommandOutput } from "./run/status.ts";

/** Options of {@linkcode pipeline}: those of a job, for all commands together. */
export type PipelineOptions = Omit<JobOptions, "policy">;

/** What a pipeline came to. */
export interface PipelineOutput {
  /** Whether every command succeeded, and none had to be ended. */
  readonly success: boolean;
  /** The exit code of the last command that failed, else 0: `pipefail` of a shell. */
  readonly code: number;
  /** Whether its time was up. */
  readonly timedOut: boolean;
  /** Whether its `AbortSignal` fired. */
  readonly aborted: boolean;
  /** The limit of all commands together that it was ended for, or `null`. */
  readonly limit: LimitName | null;
  /** The signal of `stopOn` that stopped it, or `null`. */
  readonly signal: Deno.Signal | null;
  /** Every command, from the first to the last. */
  readonly statuses: readonly JobStatus[];
  /**
   * What the last command wrote.
   *
   * @throws {TypeError} when its `stdout` was not piped.
   */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** Whether `outputPolicy` of the last command cut its output to `maxOutput` bytes. */
  readonly truncated: boolean;
}

// Stands for the pipe to the next command until that is open.
const CONNECTED = -1;

/**
 * Runs `a | b | c` without a shell: the children are connected by pipes of the
 * operating system, so that nothing passes through this process but what the
 * last one writes. A command that nobody reads from any more ends by SIGPIPE,
 * as in a shell: `yes | head -1` ends, and `yes` has not succeeded.
 *
 * The first command reads its own `stdin` or `input`; `"null"` by default. The
 * output of the last one is captured, with its own `maxOutput`, unless it says
 * otherwise; every `stderr` is inherited, unless the command says otherwise.
 * What the commands left behind is ended when the last of them has exited.
 *
 * @param commands The commands, or programs with their arguments; at least one.
 * @param options Timeout, abort and the rest of a {@linkcode Job}'s options.
 * @returns Status of each, and the output of the last. A pipeline that timed out
 * or was aborted resolves as well.
 * @throws {TypeError} for invalid commands and options; nothing is started.
 * @throws {OutputLimitExceeded} when the output grew past `maxOutput`.
 * @throws {SurvivorsError} when something could not be ended; it names it.
 * @throws what {@linkcode Command.spawn} throws; the commands before it are ended.
 *
 * @example
 * ```ts
 * import { Command, pipeline } from "@killable/process";
 *
 * const UPPER = "console.log((await new Response(Deno.stdin.readable).text()).toUpperCase())";
 * const { stdout } = await pipeline([
 *   [Deno.execPath(), "eval", "console.log('hello')"],
 *   new Command(Deno.execPath(), { args: ["eval", UPPER] }),
 * ], { timeout: 60_000 });
 * console.log(new TextDecoder().decode(stdout).trim()); // HELLO
 * ```
 */
export async function pipeline(
  commands: readonly (Command | readonly string[])[],
  options: PipelineOptions = {},
): Promise<PipelineOutput> {
  const stages = prepareStages(commands);
  // Nothing is left when this is left, however it is.
  await using job = new Job({ ...options, policy: "all" });
  const last = startStages(job, stages);
  const output = await last.output();
  const piped = stages[stages.length - 1]?.spec.stdout === "piped";
  return pipelineOutput(await job.exited, output, piped);
}

function pipelineOutput(
  result: JobResult,
  last: CommandOutput,
  piped: boolean,
): PipelineOutput {
  const { success, timedOut, aborted, limit, signal, statuses } = result;
  let code = 0;
  for (let i = statuses.length - 1; i >= 0 && code === 0; i--) {
    code = (statuses[i] as JobStatus).status.code;
  }
  const { truncated } = last;
  const output = {
    success,
    code,
    timedOut,
    aborted,
    limit,
    signal,
    statuses,
  };
  addStream(output, "stdout", piped ? last.stdout : null);
  return Object.assign(output, { truncated }) as unknown as PipelineOutput;
}

// All are checked before the first one is started.
function prepareStages(
  commands: readonly (Command | readonly string[])[],
): Prepared[] {
  if (!Array.isArray(commands) || commands.length === 0) {
    throw new TypeError("Invalid pipeline: expected an array of commands");
  }
  const stages: Prepared[] = [];
  for (let i = 0; i < commands.length; i++) {
    const isFirst = i === 0;
    const isLast = i === commands.length - 1;
    const stage = prepare(toCommand(commands[i], i), {
      stdin: isFirst ? "null" : CONNECTED,
      stdout: isLast ? "piped" : CONNECTED,
      stderr: "inherit",
      terminalInput: "null",
    }, "pipeline()");
    refuseOpenEnds(stage, isFirst, isLast);
    stages[i] = stage;
  }
  return stages;
}

function toCommand(value: unknown, index: number): Command {
  if (value instanceof Command) return value;
  if (Array.isArray(value) && value.length > 0) {
    return new Command(value[0], { args: value.slice(1) });
  }
  throw new TypeError(
    `Invalid pipeline: command ${index} is neither a Command nor an array of a program and its arguments`,
  );
}

// Streams that would end nowhere, so that somebody would wait for ever.
function refuseOpenEnds(
  { spec, control }: Prepared,
  isFirst: boolean,
  isLast: boolean,
): void {
  const { command } = spec;
  refusePipedFds(spec);
  if (!isFirst && spec.stdin !== CONNECTED) {
    throw new TypeError(
      `Invalid stdin or input of '${command}': it reads what the command before it writes`,
    );
  }
  if (!isLast && spec.stdout !== CONNECTED) {
    throw new TypeError(
      `Invalid stdout of '${command}': it writes to the command behind it`,
    );
  }
  if (isFirst && spec.stdin === "piped" && control.input === null) {
    throw new TypeError(
      `Invalid stdin of '${command}': nobody could write to the pipe. Use 'input'`,
    );
  }
  if (spec.stderr === "piped") {
    throw new TypeError(
      `Invalid stderr of '${command}': a pipeline reads the last stdout alone. Use "inherit" or "null"`,
    );
  }
}

function startStages(job: Job, stages: readonly Prepared[]): ChildProcess {
  let before: ChildPipe | null = null;
  let behind: ChildPipe | null = null;
  let child: ChildProcess | null = null;
  try {
    for (let i = 0; i < stages.length; i++) {
      const stage = stages[i] as Prepared;
      behind = i < stages.length - 1 ? backend().openChildPipe() : null;
      child = startInJob(job, connected(stage, before, behind));
      // At once: the next child must not be started with our copies open.
      before?.closeReading();
      behind?.closeWriting();
      before = behind;
    }
    return child as ChildProcess;
  } finally {
    // After a failure: the started ones see the end of their pipes.
    before?.closeReading();
    behind?.closeReading();
    behind?.closeWriting();
  }
}

function connected(
  { spec, control }: Prepared,
  before: ChildPipe | null,
  behind: ChildPipe | null,
): Prepared {
  const stdin: StdioTarget = before === null ? spec.stdin : before.reading;
  const stdout: StdioTarget = behind === null ? spec.stdout : behind.writing;
  return { spec: { ...spec, stdin, stdout }, control };
}
