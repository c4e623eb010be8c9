/**
 * The surface of `killableprocess.py` and of Python's `subprocess`: a list of
 * arguments in, an exit code out, nothing left behind.
 *
 * @module
 */

import { CalledProcessError, TimeoutExpired } from "../backend/errors.ts";
import {
  COMMAND_OPTIONS,
  type CommandOptions,
  type StdioDefaults,
} from "./options/options.ts";
import { checkOptions, shown } from "./validate.ts";
import { refusePipedFds } from "./options/stdio.ts";
import { toPlan } from "./options/to_spawn_spec.ts";
import { type RunControl, runToEnd } from "./run/run.ts";
import type { CommandOutput, CommandStatus } from "./run/status.ts";

/**
 * Options of {@linkcode call}, {@linkcode checkCall} and {@linkcode checkOutput}.
 *
 * @category Exit codes
 */
export type CallOptions = Omit<CommandOptions, "args">;

const { args: _, ...CALL_OPTIONS } = COMMAND_OPTIONS;

const INHERIT: StdioDefaults = {
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
  terminalInput: "null",
};
const CAPTURE: StdioDefaults = {
  stdin: "inherit",
  stdout: "piped",
  stderr: "inherit",
  terminalInput: "null",
};

/**
 * Runs a command and waits. When `timeout` is up, its tree is ended; either way
 * nothing of it is left when this resolves.
 *
 * @param argv The program and its arguments.
 * @param options As of a command; stdio is inherited by default.
 * @returns The exit code: `128 + n` when signal n ended it. A program that ends
 * in good order when it is told to may return 0 after a timeout:
 * {@linkcode checkCall} throws then.
 * @throws {TypeError} when `argv` is empty, and for invalid options.
 * @throws what `Command.spawn()` throws, as a rejection.
 *
 * @category Exit codes
 * @example
 * ```ts
 * import { call } from "@killable/process";
 *
 * const code = await call([Deno.execPath(), "eval", "Deno.exit(3)"], { timeout: 10_000 });
 * console.log(code); // 3
 * ```
 */
export async function call(
  argv: readonly string[],
  options: CallOptions = {},
): Promise<number> {
  const { output } = await run(argv, options, INHERIT);
  return output.code;
}

/**
 * Runs a command and waits; anything but success is an error.
 *
 * @param argv The program and its arguments.
 * @param options As of a command; stdio is inherited by default.
 * @throws {CalledProcessError} when the exit code is not 0, a limit ended it
 * (`limit`), or `signal` aborted it (`aborted`; `cause` is the signal's reason).
 * @throws {TimeoutExpired} when `timeout` was up; the tree has been ended.
 * @throws what `Command.spawn()` throws, as a rejection.
 *
 * @category Exit codes
 * @example
 * ```ts
 * import { checkCall, TimeoutExpired } from "@killable/process";
 *
 * try {
 *   await checkCall([Deno.execPath(), "eval", "setInterval(() => {}, 1000)"], {
 *     timeout: 300,
 *   });
 * } catch (error) {
 *   console.log(error instanceof TimeoutExpired); // true
 * }
 * ```
 */
export async function checkCall(
  argv: readonly string[],
  options: CallOptions = {},
): Promise<void> {
  const { output, control, piped } = await run(argv, options, INHERIT);
  check(output, control, piped);
}

/**
 * Runs a command and returns what it wrote to its standard output; anything but
 * success is an error, with the output so far attached.
 *
 * @param argv The program and its arguments.
 * @param options As of a command; stdin and stderr are inherited by default.
 * @returns Its standard output.
 * @throws {CalledProcessError} when the exit code is not 0, a limit ended it
 * (`limit`), or `signal` aborted it (`aborted`; `cause` is the signal's reason).
 * @throws {TimeoutExpired} when `timeout` or `idleTimeout` was up; the tree has been ended.
 * @throws {OutputLimitExceeded} when a stream grew past `maxOutput`.
 * @throws what `Command.spawn()` throws, as a rejection.
 *
 * @category Exit codes
 * @example
 * ```ts
 * import { checkOutput } from "@killable/process";
 *
 * const bytes = await checkOutput([Deno.execPath(), "eval", "console.log('hi')"]);
 * console.log(new TextDecoder().decode(bytes)); // hi
 * ```
 */
export async function checkOutput(
  argv: readonly string[],
  options: CallOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { output, control, piped } = await run(argv, options, CAPTURE);
  check(output, control, piped);
  return output.stdout;
}

/**
 * Runs a command and returns what it wrote to its standard output, as text; anything
 * but success is an error, as with {@linkcode checkOutput}.
 *
 * @param argv The program and its arguments.
 * @param options As of a command; stdin and stderr are inherited by default.
 * @returns Its standard output, decoded from UTF-8, as it was written.
 * @throws what {@linkcode checkOutput} throws, and {TypeError} when `stdout` is not piped.
 *
 * @example
 * ```ts
 * import { checkText } from "@killable/process";
 *
 * console.log(await checkText([Deno.execPath(), "eval", "console.log('hi')"])); // hi
 * ```
 *
 * @category Start a program
 */
export async function checkText(
  argv: readonly string[],
  options: CallOptions = {},
): Promise<string> {
  const { output, control, piped } = await run(argv, options, CAPTURE);
  check(output, control, piped);
  return output.text();
}

interface Called {
  readonly output: CommandOutput;
  readonly control: RunControl;
  readonly piped: { readonly stdout: boolean; readonly stderr: boolean };
}

async function run(
  argv: readonly string[],
  options: CallOptions,
  defaults: StdioDefaults,
): Promise<Called> {
  if (!Array.isArray(argv) || argv.length === 0) {
    throw new TypeError(
      `Cannot call: expected an array of the program and its arguments, got ${
        shown(argv)
      }`,
    );
  }
  checkOptions(options, "call()", CALL_OPTIONS);
  const all: CommandOptions = { ...options, args: argv.slice(1) };
  const plan = toPlan(argv[0] as string, all, defaults, "call()");
  const { spec, control } = plan;
  refusePipedFds(spec);
  const output = await runToEnd(plan);
  const piped = {
    stdout: spec.stdout === "piped",
    stderr: spec.stderr === "piped",
  };
  return { output, control, piped };
}

function check(
  output: CommandOutput,
  control: RunControl,
  piped: Called["piped"],
): void {
  const partial = {
    stdout: piped.stdout ? output.stdout : null,
    stderr: piped.stderr ? output.stderr : null,
  };
  const { command, args, timeout, idleTimeout } = control;
  const status: CommandStatus = output;
  if (status.aborted) {
    const cause = control.abortSignal?.reason;
    throw new CalledProcessError(command, args, status, partial, { cause });
  }
  if (status.timedOut) {
    throw new TimeoutExpired(command, timeout, partial, false, status.report);
  }
  if (status.idledOut) {
    throw new TimeoutExpired(
      command,
      idleTimeout,
      partial,
      true,
      status.report,
    );
  }
  // A program that a limit ended may have exited in good order.
  if (status.success && status.limit === null) return;
  throw new CalledProcessError(command, args, status, partial);
}
