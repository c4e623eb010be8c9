/**
 * Commands whose outputs are the next one's inputs, without a shell.
 *
 * @module
 */

import { backend, type ChildPipe } from "../backend/backend.ts";
import type { StdioTarget } from "../backend/spec.ts";
import { Command, planOf } from "./command.ts";
import { JobRun, type JobStatus, type JointStatus } from "./job/job_run.ts";
import {
  type JobControl,
  type JobOptions,
  toJobControl,
} from "./job/options.ts";
import { checkOptions, type Known } from "./validate.ts";
import { refusePipedFds } from "./options/stdio.ts";
import { abortedOutput, type Plan, type Run } from "./run/run.ts";
import {
  addStream,
  type CommandOutput,
  type TextOutput,
  withText,
} from "./run/status.ts";

/**
 * Options of {@linkcode pipeline}: those of a job, for all commands together.
 *
 * @category Several commands
 */
export type PipelineOptions = Omit<JobOptions, "policy">;

/**
 * What a pipeline came to. It has succeeded when every command did, and none had
 * to be ended.
 *
 * @category Several commands
 */
export interface PipelineOutput extends JointStatus, TextOutput {
  /** The exit code of the last command that failed, else 0: `pipefail` of a shell. */
  readonly code: number;
  /**
   * The output of the last command.
   *
   * @throws {TypeError} when its `stdout` was not piped.
   */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** Whether `outputPolicy` of the last command cut its output to `maxOutput` bytes. */
  readonly truncated: boolean;
}

const PIPELINE_OPTIONS: Known<PipelineOptions> = {
  timeout: true,
  grace: true,
  stopSignal: true,
  mainFirst: true,
  signal: true,
  stopOn: true,
  limits: true,
  onEvent: true,
  containment: true,
  killOnParentExit: true,
};

// Stands for the pipe to the next command until that is open.
const CONNECTED = -1;

/**
 * Runs `a | b | c` without a shell: the children are connected by pipes of the
 * operating system, so that nothing passes through this process but the output of
 * the last one. A command whose reader is gone ends by SIGPIPE,
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
 * or was aborted resolves as well. When `signal` is aborted already, nothing is
 * started and there are no statuses.
 * @throws {TypeError} for invalid commands and options; nothing is started.
 * @throws {OutputLimitExceeded} when the output grew past `maxOutput`.
 * @throws {SurvivorsError} when something could not be ended; it names it.
 * @throws what {@linkcode Command.spawn} throws; the commands before it are ended.
 *
 * @category Several commands
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
  const stages = planStages(commands);
  checkOptions(options, "pipeline()", PIPELINE_OPTIONS);
  const control = toJobControl({ ...options, policy: "all" }, "pipeline()");
  if (control.abortSignal?.aborted) return abortedPipeline(stages, control);
  const job = new JobRun(control);
  try {
    const output = await startStages(job, stages).output();
    const piped = stages[stages.length - 1]?.spec.stdout === "piped";
    return pipelineOutput(await job.exited, output, piped);
  } finally {
    // Nothing is left when this is left, however it is.
    await job.dispose();
  }
}

// Nothing was started, so there is no status of a command.
function abortedPipeline(
  stages: readonly Plan[],
  { stopSignal }: JobControl,
): PipelineOutput {
  const plan = stages[stages.length - 1] as Plan;
  const last = abortedOutput({
    ...plan,
    control: { ...plan.control, stopSignal },
  });
  const { success, code, timedOut, aborted } = last;
  const joint = { success, timedOut, aborted, limit: null, signal: null };
  const piped = plan.spec.stdout === "piped";
  const output = pipelineOutput({ ...joint, statuses: [] }, last, piped);
  return Object.defineProperty(output, "code", { value: code });
}

function pipelineOutput(
  end: JointStatus,
  last: CommandOutput,
  piped: boolean,
): PipelineOutput {
  const { success, timedOut, aborted, limit, signal, statuses } = end;
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
  return withText(
    Object.assign(output, { truncated }),
  ) as unknown as PipelineOutput;
}

// All are checked before the first one is started.
function planStages(
  commands: readonly (Command | readonly string[])[],
): Plan[] {
  if (!Array.isArray(commands) || commands.length === 0) {
    throw new TypeError("Invalid pipeline: expected an array of commands");
  }
  const stages: Plan[] = [];
  for (let i = 0; i < commands.length; i++) {
    const isFirst = i === 0;
    const isLast = i === commands.length - 1;
    const stage = planOf(toCommand(commands[i], i), {
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

// Streams that would end nowhere, so that a process would wait for ever.
function refuseOpenEnds(
  { spec, control }: Plan,
  isFirst: boolean,
  isLast: boolean,
): void {
  const { command } = spec;
  refusePipedFds(spec);
  if (!isFirst && spec.stdin !== CONNECTED) {
    throw new TypeError(
      `Invalid stdin or input of '${command}': it reads the output of the command before it`,
    );
  }
  if (!isLast && spec.stdout !== CONNECTED) {
    throw new TypeError(
      `Invalid stdout of '${command}': it writes to the command behind it`,
    );
  }
  if (isFirst && spec.stdin === "piped" && control.input === null) {
    throw new TypeError(
      `Invalid stdin of '${command}': nothing could write to the pipe. Use 'input'`,
    );
  }
  if (spec.stderr === "piped") {
    throw new TypeError(
      `Invalid stderr of '${command}': a pipeline reads the last stdout alone. Use "inherit" or "null"`,
    );
  }
}

function startStages(job: JobRun, stages: readonly Plan[]): Run {
  let before: ChildPipe | null = null;
  let behind: ChildPipe | null = null;
  let run: Run | null = null;
  try {
    for (let i = 0; i < stages.length; i++) {
      const stage = stages[i] as Plan;
      behind = i < stages.length - 1 ? backend().openChildPipe() : null;
      run = job.start(connected(stage, before, behind));
      // At once: the next child must not be started with our copies open.
      before?.closeReading();
      behind?.closeWriting();
      before = behind;
    }
    return run as Run;
  } finally {
    // After a failure: the started ones see the end of their pipes.
    before?.closeReading();
    behind?.closeReading();
    behind?.closeWriting();
  }
}

function connected(
  { spec, control }: Plan,
  before: ChildPipe | null,
  behind: ChildPipe | null,
): Plan {
  const stdin: StdioTarget = before === null ? spec.stdin : before.reading;
  const stdout: StdioTarget = behind === null ? spec.stdout : behind.writing;
  return { spec: { ...spec, stdin, stdout }, control };
}
