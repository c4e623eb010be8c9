/**
 * A command: what to start and how it may end. Reusable plain data.
 *
 * @module
 */

import { ChildProcess } from "./child_process.ts";
import {
  COMMAND_OPTIONS,
  type CommandOptions,
  type StdioDefaults,
} from "./options/options.ts";
import { checkOptions, shown } from "./validate.ts";
import { refusePipedFds } from "./options/stdio.ts";
import { toPlan } from "./options/to_spawn_spec.ts";
import { type Plan, Run, runToEnd } from "./run/run.ts";
import { runSync } from "./run/run_sync.ts";
import type { CommandOutput } from "./run/status.ts";

/** Streams of a spawned command that says nothing about them. */
export const SPAWN_DEFAULTS: StdioDefaults = {
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
  terminalInput: "piped",
};
/** Stdio of `output()`. */
export const OUTPUT_DEFAULTS: StdioDefaults = {
  stdin: "null",
  stdout: "piped",
  stderr: "piped",
  terminalInput: "null",
};

/** Checks a command, for jobs and pipelines, which start several together. */
export let planOf: (
  command: Command,
  defaults: StdioDefaults,
  apiName: string,
) => Plan;

/**
 * A program to start: a drop-in for `Deno.Command` whose kill, abort, timeout
 * and end of scope mean the whole process tree.
 *
 * Needs `--allow-ffi`, and `--allow-run` for the program, as `Deno.Command` does.
 *
 * Linux and Windows hold the whole tree; macOS what stays in its process group:
 * `containment` of the child says what it got.
 *
 * @category Start a program
 * @example A build with a time limit
 * ```ts
 * import { Command } from "@killable/process";
 *
 * const { success, timedOut } = await new Command(Deno.execPath(), {
 *   args: ["eval", "console.log('built')"],
 *   timeout: 60_000,
 * }).output();
 * console.log(success, timedOut); // true false
 * ```
 *
 * @example A server for the length of a scope
 * ```ts
 * import { Command } from "@killable/process";
 *
 * {
 *   await using server = new Command(Deno.execPath(), {
 *     args: ["eval", "setInterval(() => {}, 1000)"],
 *   }).spawn();
 *   console.log(server.pid > 1); // true
 * } // here the server and everything it started is gone
 * ```
 */
export class Command {
  static {
    planOf = (command, defaults, apiName) => command.#plan(defaults, apiName);
  }

  readonly #command: string | URL;
  readonly #options: CommandOptions | undefined;

  /**
   * Keeps the program and its options; starts nothing.
   *
   * @param command The program: a name looked for in the child's PATH, a path, or a file URL.
   * @param options How to start and how to end it. Read when it is started, as Deno does.
   */
  constructor(command: string | URL, options?: CommandOptions) {
    this.#command = command;
    this.#options = options;
  }

  /**
   * Starts the program.
   *
   * @returns The running child.
   * @throws {Deno.errors.NotFound} when the program or `cwd` is missing.
   * @throws {Deno.errors.PermissionDenied} when it may not be executed.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi` or `--allow-run`.
   * @throws {TypeError} for invalid options; nothing is started.
   * @throws {RangeError} for a duration or size out of range; nothing is started.
   * @throws the reason of `signal`, when it is aborted already; nothing is started.
   */
  spawn(): ChildProcess {
    const started = this.#plan(SPAWN_DEFAULTS, "Command.spawn()");
    return new ChildProcess(Run.start(started, false));
  }

  /**
   * Starts the program and collects what it writes until it has exited. What it
   * left behind is ended then, so this never waits for a daemon's pipe.
   *
   * When `signal` is aborted already, nothing is started: the status is that of a
   * program that the stop signal ended before it began, with `aborted`.
   *
   * @returns Status and output.
   * @throws {TypeError} when `stdin` is `"piped"`, and for invalid options.
   * @throws {OutputLimitExceeded} when a stream grew past `maxOutput`.
   * @throws {SurvivorsError} when something of the tree could not be ended.
   * @throws what {@linkcode Command.spawn} throws otherwise, at once: not as a rejection.
   */
  output(): Promise<CommandOutput> {
    return runToEnd(this.#outputPlan("Command.output()"));
  }

  /**
   * The same, blocking this thread. `timeout`, `grace` and `maxOutput` work;
   * `signal` cannot, since nothing else of this isolate runs meanwhile; one that is
   * aborted already starts nothing.
   *
   * @returns Status and output.
   * @throws {TypeError} when `stdin` is `"piped"`, and for invalid options.
   * @throws {OutputLimitExceeded} when a stream grew past `maxOutput`.
   * @throws {SurvivorsError} when something of the tree could not be ended.
   */
  outputSync(): CommandOutput {
    return runSync(this.#outputPlan("Command.outputSync()"));
  }

  #plan(defaults: StdioDefaults, apiName: string): Plan {
    return toPlan(this.#command, this.#options, defaults, apiName);
  }

  // Nothing can be written to a pipe of a run that only returns its output.
  #outputPlan(apiName: string): Plan {
    if (this.#options?.stdin === "piped" && this.#options.input === undefined) {
      throw new TypeError(
        // The first half as Deno words it.
        "Piped stdin is not supported for this function, use 'Deno.Command.spawn()' instead; " +
          "here that is 'Command.spawn()' of this library, or the option 'input'",
      );
    }
    const checked = this.#plan(OUTPUT_DEFAULTS, apiName);
    refusePipedFds(checked.spec);
    return checked;
  }
}

/**
 * Options of the free functions that take the arguments separately.
 *
 * @category Start a program
 */
export type CommandOptionsWithoutArgs = Omit<CommandOptions, "args">;

/**
 * Starts a program: short for `new Command(command, options).spawn()`.
 *
 * @param command The program.
 * @param options How to start and how to end it.
 * @returns The running child.
 * @throws what {@linkcode Command.spawn} throws.
 *
 * @category Start a program
 * @example
 * ```ts
 * import { spawn } from "@killable/process";
 *
 * await using child = spawn(Deno.execPath(), ["eval", "Deno.exit(3)"], {
 *   timeout: 60_000,
 * });
 * console.log((await child.status).code); // 3
 * ```
 */
export function spawn(
  command: string | URL,
  options?: CommandOptions,
): ChildProcess;
/**
 * Starts a program with arguments.
 *
 * @param command The program.
 * @param args Its arguments.
 * @param options How to start and how to end it; without `args`.
 * @returns The running child.
 */
export function spawn(
  command: string | URL,
  args: readonly string[],
  options?: CommandOptionsWithoutArgs,
): ChildProcess;
export function spawn(
  command: string | URL,
  argsOrOptions?: readonly string[] | CommandOptions,
  options?: CommandOptionsWithoutArgs,
): ChildProcess {
  return withArgs(command, argsOrOptions, options).spawn();
}

/**
 * Starts a program and collects its output: short for
 * `new Command(command, options).output()`.
 *
 * @param command The program.
 * @param options How to start and how to end it.
 * @returns Status and output.
 * @throws what {@linkcode Command.output} throws.
 *
 * @category Start a program
 * @example
 * ```ts
 * import { spawnAndWait } from "@killable/process";
 *
 * const { stdout } = await spawnAndWait(Deno.execPath(), ["eval", "console.log('hi')"]);
 * console.log(new TextDecoder().decode(stdout).trim()); // hi
 * ```
 */
export function spawnAndWait(
  command: string | URL,
  options?: CommandOptions,
): Promise<CommandOutput>;
/**
 * Starts a program with arguments and collects its output.
 *
 * @param command The program.
 * @param args Its arguments.
 * @param options How to start and how to end it; without `args`.
 * @returns Status and output.
 */
export function spawnAndWait(
  command: string | URL,
  args: readonly string[],
  options?: CommandOptionsWithoutArgs,
): Promise<CommandOutput>;
export function spawnAndWait(
  command: string | URL,
  argsOrOptions?: readonly string[] | CommandOptions,
  options?: CommandOptionsWithoutArgs,
): Promise<CommandOutput> {
  return withArgs(command, argsOrOptions, options).output();
}

/**
 * Starts a program and collects its output, blocking: short for
 * `new Command(command, options).outputSync()`.
 *
 * @param command The program.
 * @param options How to start and how to end it.
 * @returns Status and output.
 * @throws what {@linkcode Command.outputSync} throws.
 *
 * @category Start a program
 * @example
 * ```ts
 * import { spawnAndWaitSync } from "@killable/process";
 *
 * const { code } = spawnAndWaitSync(Deno.execPath(), ["eval", "Deno.exit(4)"]);
 * console.log(code); // 4
 * ```
 */
export function spawnAndWaitSync(
  command: string | URL,
  options?: CommandOptions,
): CommandOutput;
/**
 * Starts a program with arguments and collects its output, blocking.
 *
 * @param command The program.
 * @param args Its arguments.
 * @param options How to start and how to end it; without `args`.
 * @returns Status and output.
 */
export function spawnAndWaitSync(
  command: string | URL,
  args: readonly string[],
  options?: CommandOptionsWithoutArgs,
): CommandOutput;
export function spawnAndWaitSync(
  command: string | URL,
  argsOrOptions?: readonly string[] | CommandOptions,
  options?: CommandOptionsWithoutArgs,
): CommandOutput {
  return withArgs(command, argsOrOptions, options).outputSync();
}

/**
 * The command that the three ways to write one mean.
 *
 * @param command The program.
 * @param argsOrOptions Its arguments, or the options with them.
 * @param options The options, where the arguments stand before them.
 * @returns The command.
 * @throws {TypeError} when there are arguments in both places.
 */
export function withArgs(
  command: string | URL,
  argsOrOptions: readonly string[] | CommandOptions | undefined,
  options?: CommandOptionsWithoutArgs,
): Command {
  const args = argsOrOptions as unknown;
  if (Array.isArray(args)) {
    if ((options as CommandOptions | undefined)?.args !== undefined) {
      throw new TypeError(
        "Passing 'args' in options is not allowed when args are passed as a separate argument",
      );
    }
    checkOptions(options, "a command with arguments", COMMAND_OPTIONS);
    return new Command(command, { ...options, args });
  }
  if (args === undefined) return new Command(command, options);
  if (typeof args === "object" && options === undefined) {
    return new Command(command, args as CommandOptions);
  }
  throw new TypeError(
    `Invalid arguments of '${command}': expected an array of strings, got ${
      shown(args)
    }`,
  );
}
