/**
 * From a specification to what `CreateProcessW` is given: the program found, the
 * permission asked, the command line and the environment written.
 *
 * @module
 */

import type { SpawnSpec } from "../../backend/spec.ts";
import {
  checkRunPermission,
  isLoaderVariable,
} from "../../backend/permissions.ts";
import { batchCommand, isBatchFile } from "./batch_file.ts";
import {
  commandLine,
  MAX_COMMAND_LINE,
  quoteProgram,
  requireWellFormed,
} from "../system/command_line.ts";
import {
  childEnvironment,
  type Environment,
  environmentBlock,
  foldName,
  ownEnvironment,
  variable,
} from "./environment.ts";
import { cwdError, notFound, tooLong } from "../system/errors.ts";
import {
  DEFAULT_PATHEXT,
  existingExecutable,
  findExecutable,
} from "./executable.ts";
import {
  absolutePath,
  exists,
  extended,
  fileSystem,
  isDirectory,
} from "../system/file_system.ts";

/** What `CreateProcessW` is given. */
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
