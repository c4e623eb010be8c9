/**
 * The launch plan: the input of `CreateProcessW`, made from a specification. It holds
 * the program found, after its permission was asked for, the command line, also that
 * of a batch file, the environment, and the flags that decide on a console.
 *
 * @module
 */

import {
  checkRunPermission,
  isLoaderVariable,
} from "../../backend/permissions.ts";
import type { SpawnSpec, WindowsSpec } from "../../backend/spec.ts";
import {
  commandLine,
  MAX_COMMAND_LINE,
  quoteProgram,
  requireWellFormed,
} from "../system/command_line.ts";
import {
  CREATE_BREAKAWAY_FROM_JOB,
  CREATE_NEW_CONSOLE,
  CREATE_NEW_PROCESS_GROUP,
  CREATE_NO_WINDOW,
  CREATE_SUSPENDED,
  DETACHED_PROCESS,
  SW_HIDE,
  SW_SHOWMAXIMIZED,
  SW_SHOWMINNOACTIVE,
  SW_SHOWNORMAL,
} from "../system/win32.ts";
import { batchTooLong, cwdError, notFound, tooLong } from "../system/errors.ts";
import {
  absolutePath,
  exists,
  extended,
  fileSystem,
  isDirectory,
} from "../system/file_system.ts";
import {
  childEnvironment,
  DEFAULT_PATHEXT,
  type Environment,
  environmentBlock,
  existingExecutable,
  findExecutable,
  foldName,
  ownEnvironment,
  variable,
} from "./executable.ts";
import { priorityClass } from "./resource_limits.ts";

/** The input of `CreateProcessW`. */
export interface LaunchPlan {
  /** The program's path. */
  readonly application: string;
  /** The command line. */
  readonly commandLine: string;
  /** The environment block's text, or `null` for this process's environment. */
  readonly environment: string | null;
  /** Working directory, or `null` for this process's. */
  readonly cwd: string | null;
}

/**
 * Makes the plan.
 *
 * @param spec The specification.
 * @returns The plan.
 * @throws {Deno.errors.NotFound} when the program or the directory is missing.
 * @throws {Deno.errors.NotCapable} when Deno does not allow to run the program.
 * @throws {TypeError} when an argument cannot be passed on.
 */
export function planLaunch(spec: SpawnSpec): LaunchPlan {
  requireWellFormed(spec.command, "program");
  const own = ownEnvironment();
  const set: Environment = { names: spec.envNames, values: spec.envValues };
  const environment = childEnvironment(own, spec.clearEnv, set);
  const cwd = spec.cwd === null ? null : absolutePath(spec.cwd);
  const found = findExecutable(spec.command, {
    // Without a PATH of its own the child is looked for in ours.
    path: variable(environment, "PATH") ?? variable(own, "PATH") ?? "",
    pathext: variable(own, "PATHEXT") ?? DEFAULT_PATHEXT,
    cwd: cwd ?? absolutePath("."),
  }, fileSystem);
  if (found === null) throw notFound(spec.command);
  checkRunPermission(
    found,
    spec.command,
    () => loaderVariables(environment),
  );
  if (cwd !== null && !isDirectory(cwd)) {
    throw cwdError(spec.command, spec.cwd as string, exists(cwd));
  }
  const program = existingExecutable(found, fileSystem);
  if (program === null) throw notFound(spec.command);
  const inherited = !spec.clearEnv && spec.envNames.length === 0;
  return {
    ...programAndLine(spec, program, own),
    environment: inherited ? null : environmentBlock(environment),
    cwd,
  };
}

/** The longest line of `cmd.exe`; it would cut off the rest. */
const MAX_BATCH_LINE = 8191;

function programAndLine(
  spec: SpawnSpec,
  program: string,
  own: Environment,
): { application: string; commandLine: string } {
  const { args, windowsRawArguments: raw } = spec;
  let application = program;
  let line: string;
  if (isBatchFile(program)) {
    // By its full name: a cmd.exe earlier in a search path is not meant.
    const root = variable(own, "SYSTEMROOT") ?? "C:\\Windows";
    application = `${root}\\System32\\cmd.exe`;
    line = quoteProgram(application) + " " + batchCommand(program, args, raw);
    if (line.length > MAX_BATCH_LINE) {
      throw batchTooLong(spec.command, line.length);
    }
  } else {
    line = commandLine(program, args, raw);
  }
  if (line.length >= MAX_COMMAND_LINE) throw tooLong(spec.command, line.length);
  return { application: extended(application), commandLine: line };
}

function loaderVariables(environment: Environment): string[] {
  const names: string[] = [];
  for (let i = 0; i < environment.names.length; i++) {
    const name = environment.names[i] as string;
    if (isLoaderVariable(name) && environment.values[i] !== "") {
      names.push(foldName(name));
    }
  }
  return names;
}

// Batch files: `cmd.exe` runs them, and `cmd.exe` reads the command line by
// rules of its own, in which `&`, `%` or a quote start other commands
// (CVE-2024-24576, CVE-2024-43402).
//
// So they are started through `cmd.exe` by name, with every argument in a form
// that reaches the batch file as text. Arguments without such a form are
// refused.
//
// Page: "cmd" (Windows Commands).

/**
 * Whether Windows would hand this file to `cmd.exe`. Trailing dots and blanks
 * are not part of a file's name there: `a.bat. .` is `a.bat`.
 *
 * @param path The program's path.
 * @returns Whether it is a batch file.
 * @category Windows
 */
export function isBatchFile(path: string): boolean {
  return /\.(bat|cmd)$/i.test(path.replace(/[. ]+$/, ""));
}

/**
 * The arguments of `cmd.exe` that run a batch file.
 *
 * The whole command stands in one more pair of quotes, which `cmd /c` removes.
 * `/e:ON` is needed by the form that percent signs take, `/v:OFF` keeps `!`
 * a character, `/d` leaves the AutoRun commands out.
 *
 * @param script Absolute path of the batch file.
 * @param args Its arguments.
 * @param raw Whether the arguments are joined with blanks as they are; the
 * caller answers for them then.
 * @returns The part of the command line after the name of `cmd.exe`.
 * @throws {TypeError} when the script or an argument cannot be written safely.
 * @category Windows
 */
export function batchCommand(
  script: string,
  args: readonly string[],
  raw: boolean,
): string {
  requireWellFormed(script, "program");
  if (/["\r\n]/.test(script) || script.endsWith("\\")) {
    throw new TypeError(`Invalid program '${script}': not a batch file's name`);
  }
  let line = `/e:ON /v:OFF /d /c ""${escapePercent(script)}"`;
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as string;
    requireWellFormed(argument, `argument ${i}`);
    // A line end would cut the command off, quoted or not.
    if (/[\r\n]/.test(argument)) {
      throw new TypeError(
        `Cannot pass argument ${i} to the batch file '${script}': cmd.exe has no form for a line end`,
      );
    }
    line += " " + (raw ? argument : quoteForCmd(argument));
  }
  return line + '"';
}

/**
 * One argument, in quotes that both `cmd.exe` and the usual rules understand.
 *
 * Always quoted, so that no character is special to `cmd.exe`; a quote inside
 * becomes two, which leaves `cmd.exe` inside its quotes.
 */
function quoteForCmd(argument: string): string {
  let line = '"';
  let backslashes = 0;
  for (let i = 0; i < argument.length; i++) {
    const unit = argument[i] as string;
    if (unit === "\\") {
      backslashes++;
    } else {
      if (unit === '"') line += "\\".repeat(backslashes) + '"';
      backslashes = 0;
    }
    line += unit;
  }
  return escapePercent(line + "\\".repeat(backslashes)) + '"';
}

/**
 * Percent signs expand variables even inside quotes. Behind `%cd:~,` (an empty
 * piece of the variable `cd`, which always exists) the next one has no partner.
 */
function escapePercent(text: string): string {
  return text.replaceAll("%", "%%cd:~,%");
}

// Which console a child gets, and the other flags it is created with.
//
// Pages: "Process Creation Flags", "Creation of a Console", "Console Process
// Groups".

/** The means by which a child can be reached. */
export interface ConsoleSituation {
  /** Whether this process has a console. */
  readonly console: boolean;
  /** Whether a helper can attach to another console for us. */
  readonly helper: boolean;
}

/** The part of a specification that the flags follow from. */
type ConsoleSpec = Pick<
  SpawnSpec,
  | "stdin"
  | "stdout"
  | "stderr"
  | "detached"
  | "suspended"
  | "processGroup"
  | "affinity"
  | "nice"
  | "windows"
>;

/**
 * The flags.
 *
 * A child none of whose streams is ours gets a console of its own without a
 * window, which a soft stop can attach to; so does every child when we have no
 * console, because Windows would show it a new one. Otherwise it shares ours,
 * and gets a group of its own there so that CTRL_BREAK can be sent to it. It
 * also shares ours when a console of its own would be out of reach.
 *
 * @param spec The specification.
 * @param situation The means by which it can be reached.
 * @returns Flags for `CreateProcessW`.
 */
export function creationFlags(
  spec: ConsoleSpec,
  situation: ConsoleSituation,
): number {
  // The CPUs are set before its first instruction.
  const suspended = spec.suspended || spec.affinity !== null;
  let flags = suspended ? CREATE_SUSPENDED : 0;
  flags |= priorityClass(spec.nice);
  flags |= consoleFlags(spec, situation);
  if (spec.detached) flags |= CREATE_BREAKAWAY_FROM_JOB;
  return flags;
}

function consoleFlags(
  spec: ConsoleSpec,
  { console, helper }: ConsoleSituation,
): number {
  const group = spec.processGroup === "inherit" ? 0 : CREATE_NEW_PROCESS_GROUP;
  switch (spec.windows?.console ?? "auto") {
    case "hidden":
      return CREATE_NO_WINDOW;
    case "own":
      return CREATE_NEW_CONSOLE;
    case "none":
      return DETACHED_PROCESS;
    case "shared":
      return console ? group : CREATE_NO_WINDOW;
    case "auto": {
      const shares = spec.stdin === "inherit" || spec.stdout === "inherit" ||
        spec.stderr === "inherit" || !helper;
      return spec.detached || !console || !shares ? CREATE_NO_WINDOW : group;
    }
  }
}

/** The values of `wShowWindow`. */
const SHOW: Readonly<Record<WindowsSpec["window"], number | null>> = {
  default: null,
  normal: SW_SHOWNORMAL,
  hidden: SW_HIDE,
  minimized: SW_SHOWMINNOACTIVE,
  maximized: SW_SHOWMAXIMIZED,
};

/**
 * The flags and the value of the start-up information for windows.
 *
 * @param windows The option.
 * @returns The fields of a `ProcessRequest`.
 */
export function startupChoice(
  windows: WindowsSpec | null,
): { desktop: string | null; showWindow: number | null } {
  if (windows === null) return { desktop: null, showWindow: null };
  return { desktop: windows.desktop, showWindow: SHOW[windows.window] };
}
