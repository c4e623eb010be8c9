/**
 * From the options of a command to the two things that a run is made of: what to
 * start, and how it ends.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import { CONTAINMENTS, type Requirement } from "../../backend/containment.ts";
import type { SpawnSpec } from "../../backend/spec.ts";
import { toLimits } from "../limits/limits.ts";
import type { Plan, RunControl } from "../run/run.ts";
import { DEFAULT_GRACE } from "../run/stop.ts";
import { type TeeTarget, teeTarget } from "../stdio/child_output.ts";
import { DEFAULT_MAX_OUTPUT } from "../stdio/outputs.ts";
import {
  abortSignal,
  checkOptions,
  duration,
  eventHook,
  flag,
  id,
  isReadable,
  type Known,
  oneOf,
  pathOf,
  shown,
  size,
  stopSignal,
  timeLimit,
  withoutNul,
} from "../validate.ts";
import {
  cpuNumbers,
  groupIds,
  niceValue,
  terminalChoice,
  umaskBits,
  windowsSpec,
} from "./attributes.ts";
import {
  COMMAND_OPTIONS,
  type CommandOptions,
  shellCommand,
  type StdioDefaults,
} from "./options.ts";
import {
  type Descriptors,
  requestFileAccess,
  stderrTarget,
  stdinTarget,
  stdoutTarget,
  toDescriptors,
} from "./stdio.ts";

const NOTHING: CommandOptions = Object.freeze({ __proto__: null }) as never;

/**
 * Validates a command and its options.
 *
 * @param command The program.
 * @param options Its options.
 * @param defaults Stdio where the options say nothing.
 * @param apiName For messages.
 * @returns The program to start for the backend, and the control of its run.
 * @throws {TypeError} for anything of the wrong type or with a NUL in it.
 * @throws {RangeError} for a duration or a size out of range.
 * @throws {Deno.errors.NotCapable} when a file for stdio may not be read or written.
 */
export function toSpawnSpec(
  command: string | URL,
  options: CommandOptions | undefined = NOTHING,
  defaults: StdioDefaults,
  apiName: string,
): SpawnSpec {
  checkOptions(options, apiName, COMMAND_OPTIONS);
  const shell = shellCommand(options.shell, command, options.args);
  const program = shell?.program ?? pathOf(command, "command");
  if (program === "") throw new TypeError("Cannot spawn: the program is empty");
  const detached = flag(options.detached, "detached", false);
  const ending = options.killOnParentExit;
  const ends = ending === "now" ||
    flag(ending, "killOnParentExit", !detached);
  const { foreground, pty } = terminalChoice(options);
  const descriptors = toDescriptors(options.fds, options.listeners);
  const env = environment(options.env, descriptors);
  const spec: SpawnSpec = {
    command: program,
    args: shell?.args ?? stringArguments(options.args),
    ...ownName(options.argv0),
    cwd: directory(options.cwd),
    clearEnv: flag(options.clearEnv, "clearEnv", false),
    envNames: env.names,
    envValues: env.values,
    uid: id(options.uid, "uid"),
    gid: id(options.gid, "gid"),
    groups: groupIds(options.groups),
    umask: umaskBits(options.umask),
    nice: niceValue(options.priority),
    affinity: cpuNumbers(options.affinity),
    foreground,
    pty,
    stdin: stdinTarget(
      options.stdin,
      options.input !== undefined,
      pty === null ? defaults.stdin : defaults.terminalInput,
    ),
    stdout: stdoutTarget(
      options.stdout,
      "stdout",
      pty === null ? defaults.stdout : "piped",
    ),
    // On a terminal there is no telling it from stdout.
    stderr: stderrTarget(
      options.stderr,
      pty === null ? defaults.stderr : "null",
    ),
    fds: descriptors.fds,
    listenPid: descriptors.listenPid,
    windowsRawArguments: flag(
      options.windowsRawArguments,
      "windowsRawArguments",
      false,
    ) || shell?.raw === true,
    windows: windowsSpec(options.windows),
    detached,
    containment: oneOf(options.containment, "containment", CONTAINMENTS),
    required: requirement(options.require, ends),
    killOnParentExit: ends,
    endSignal: stopSignal(options.stopSignal, "SIGTERM"),
    endMainFirst: flag(options.mainFirst, "mainFirst", false),
    endGrace: ending === "now"
      ? 0
      : duration(options.grace, "grace", DEFAULT_GRACE),
    processGroup: oneOf(options.processGroup, "processGroup", GROUPS),
    suspended: flag(options.suspended, "suspended", false),
    limits: toLimits(options.limits, backend()),
    apiName,
  };
  requestFileAccess(spec);
  return spec;
}

/**
 * Validates the options that say how a run ends.
 *
 * @param spec The validated command.
 * @param options Its options.
 * @returns What controls the run.
 * @throws {TypeError} for anything of the wrong type.
 * @throws {RangeError} for a duration or a size out of range.
 */
export function toRunControl(
  spec: SpawnSpec,
  options: CommandOptions | undefined = NOTHING,
): RunControl {
  return {
    command: spec.command,
    args: spec.args,
    timeout: timeLimit(options.timeout, "timeout"),
    idleTimeout: idleTimeout(spec, options.idleTimeout),
    tee: tee(spec, options.tee),
    grace: duration(options.grace, "grace", DEFAULT_GRACE),
    stopSignal: stopSignal(options.stopSignal, "SIGTERM"),
    mainFirst: flag(options.mainFirst, "mainFirst", false),
    input: input(options.input ?? streamOf(options.stdin)),
    abortSignal: abortSignal(options.signal),
    limits: spec.limits,
    onEvent: eventHook(options.onEvent),
    maxOutput: size(options.maxOutput, "maxOutput", DEFAULT_MAX_OUTPUT),
    outputPolicy: oneOf(options.outputPolicy, "outputPolicy", POLICIES),
  };
}

/**
 * Validates a command and its options: both halves.
 *
 * @param command The program.
 * @param options Its options.
 * @param defaults Stdio where the options say nothing.
 * @param apiName For messages.
 * @returns What to start, and how the run ends.
 * @throws what {@linkcode toSpawnSpec} and {@linkcode toRunControl} throw.
 */
export function toPlan(
  command: string | URL,
  options: CommandOptions | undefined,
  defaults: StdioDefaults,
  apiName: string,
): Plan {
  const spec = toSpawnSpec(command, options, defaults, apiName);
  return { spec, control: toRunControl(spec, options) };
}

const GROUPS = ["auto", "own", "inherit", "session"] as const;
const POLICIES = ["error", "head", "tail", "ends"] as const;

// The empty path, and null in plain JavaScript, are the parent's directory, as in
// Deno.
function directory(cwd: string | URL | null | undefined): string | null {
  if (cwd === undefined || cwd === null) return null;
  const path = pathOf(cwd, "cwd");
  return path === "" ? null : path;
}

function stringArguments(args: readonly string[] | undefined): string[] {
  const list: string[] = [];
  if (args === undefined) return list;
  if (!isArrayLike(args)) {
    throw new TypeError(
      `Invalid args: expected an array of strings, got ${shown(args)}`,
    );
  }
  // Deno converts every argument with String(); so does this.
  for (let i = 0; i < args.length; i++) {
    // It refuses a hole.
    if (!(i in args)) {
      throw new TypeError(`Invalid args: argument ${i} is missing`);
    }
    list[i] = withoutNul(String(args[i]), `argument ${i}`);
  }
  return list;
}

// What Deno takes: `arguments` of a function, for one. A string is a mistake.
function isArrayLike(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    typeof (value as { length?: unknown }).length === "number";
}

function ownName(value: unknown): { argv0?: string } {
  if (value === undefined) return {};
  if (typeof value !== "string") {
    throw new TypeError(
      `Invalid argv0: expected a string, got ${shown(value)}`,
    );
  }
  if (backend().name === "windows") {
    throw new Deno.errors.NotSupported(
      "Cannot use 'argv0' on Windows: the command line begins with the program",
    );
  }
  return { argv0: withoutNul(value, "argv0") };
}

interface Environment {
  readonly names: string[];
  readonly values: string[];
}

// The caller's variables, and behind them those that tell of descriptors: of two
// with the same name the last one counts.
function environment(
  env: Record<string, string> | undefined,
  { envNames, envValues }: Descriptors,
): Environment {
  const names: string[] = [];
  const values: string[] = [];
  if (env !== undefined) addVariables(env, names, values);
  for (let i = 0; i < envNames.length; i++) {
    names[names.length] = envNames[i] as string;
    values[values.length] = envValues[i] as string;
  }
  return { names, values };
}

function addVariables(
  env: Record<string, string>,
  names: string[],
  values: string[],
): void {
  if (typeof env !== "object" || env === null || Array.isArray(env)) {
    throw new TypeError(
      `Invalid env: expected an object of strings, got ${shown(env)}`,
    );
  }
  if (Symbol.iterator in env) {
    throw new TypeError(
      "Invalid env: expected an object of strings, got something to iterate over. Use Object.fromEntries() of it",
    );
  }
  const keys = Object.keys(env);
  for (let i = 0; i < keys.length; i++) {
    const name = keys[i] as string;
    const value: unknown = env[name];
    // Values are never put into a message: they may be secrets.
    if (typeof value !== "string") {
      throw new TypeError(`Invalid env: the value of '${name}' is no string`);
    }
    // The first character may be '=': Windows keeps drive directories in '=C:'.
    if (name === "" || name.includes("=", 1) || name.includes("\0")) {
      throw new TypeError(
        `Invalid env: the name ${
          JSON.stringify(name)
        } is empty or contains '=' or NUL`,
      );
    }
    if (name.startsWith("=") && backend().name === "posix") {
      throw new TypeError(`Invalid env: the name '${name}' contains '='`);
    }
    if (value.includes("\0")) {
      throw new TypeError(
        `Invalid env: the value of '${name}' contains a NUL character`,
      );
    }
    names[names.length] = name;
    values[values.length] = value;
  }
}

function idleTimeout(spec: SpawnSpec, value: unknown): number {
  const ms = timeLimit(value, "idleTimeout");
  if (ms < Infinity) requirePiped(spec, "idleTimeout");
  return ms;
}

function tee(spec: SpawnSpec, value: unknown): TeeTarget | null {
  const target = teeTarget(value);
  if (target !== null) requirePiped(spec, "tee");
  return target;
}

function requirePiped(spec: SpawnSpec, name: string): void {
  if (spec.stdout === "piped" || spec.stderr === "piped") return;
  throw new TypeError(
    `Invalid ${name}: neither stdout nor stderr is piped, so that no output is seen here`,
  );
}

function streamOf(stdin: unknown): unknown {
  return isReadable(stdin) ? stdin : undefined;
}

function input(
  value: unknown,
): Uint8Array | ReadableStream<Uint8Array> | null {
  if (value === undefined) return null;
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (value instanceof Uint8Array) return value;
  if (isReadable(value)) {
    if (!value.locked) return value;
    throw new TypeError("Invalid input: the stream is locked");
  }
  throw new TypeError(
    "Invalid input: expected a string, a Uint8Array or a ReadableStream",
  );
}

const REQUIREMENTS: Known<Requirement> = {
  holdsEscapees: true,
  endsWithParent: true,
  limits: true,
};

/**
 * Validates what is required.
 *
 * @param value The option.
 * @param ends Whether the tree is to end with this process.
 * @returns What must hold; `null` for nothing.
 * @throws {TypeError} for anything of the wrong type, and for a contradiction.
 */
export function requirement(value: unknown, ends: boolean): Requirement | null {
  if (value === undefined) return null;
  checkOptions(value, "require", REQUIREMENTS);
  const given = value as Requirement;
  const { limits } = given;
  if (limits !== undefined && limits !== "kernel") {
    throw new TypeError(
      `Invalid require.limits: expected "kernel", got ${shown(limits)}`,
    );
  }
  const endsWithParent = flag(
    given.endsWithParent,
    "require.endsWithParent",
    false,
  );
  if (endsWithParent && !ends) {
    throw new TypeError(
      "Invalid require: 'endsWithParent' contradicts 'detached' and 'killOnParentExit: false'",
    );
  }
  return {
    holdsEscapees: flag(given.holdsEscapees, "require.holdsEscapees", false),
    endsWithParent,
    ...limits === undefined ? {} : { limits },
  };
}
