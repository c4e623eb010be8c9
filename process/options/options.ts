/**
 * The options of a command, and their validation: everything a caller can get
 * wrong is refused here, before any native call.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import type {
  ContainmentRequest,
  Requirement,
} from "../../backend/containment.ts";
import type { TerminalSize } from "../../backend/native.ts";
import type { ProcessGroupMode, StdioTarget } from "../../backend/spec.ts";
import type { Limits } from "../../backend/usage.ts";
import type { SocketAddress } from "../../ffi/socket_address.ts";
import type { Listener } from "../listen.ts";
import type { OutputPolicy, TeeTarget } from "../stdio/child_output.ts";
import type { ProcessEventHook } from "../run/events.ts";
import { type Known, pathOf, shown, withoutNul } from "../validate.ts";
import type { ProcessPriority, WindowsOptions } from "./attributes.ts";
import type {
  FdSource,
  NamedListener,
  StderrOption,
  StdinOption,
  StdoutOption,
} from "./stdio.ts";

/**
 * Options of {@linkcode Command}: those of `Deno.CommandOptions`, and what makes
 * a process killable. By topic:
 *
 * - start: `args`, `shell`, `argv0`, `cwd`, `env`, `clearEnv`, `suspended`,
 *   `windowsRawArguments`, `windows`
 * - streams: `stdin`, `stdout`, `stderr`, `input`, `tee`, `fds`, `listeners`,
 *   `maxOutput`, `outputPolicy`
 * - ending: `timeout`, `idleTimeout`, `grace`, `stopSignal`, `mainFirst`, `signal`, `detached`,
 *   `killOnParentExit`
 * - limits: `limits`
 * - events: `onEvent`
 * - identity: `uid`, `gid`, `groups`, `umask`, `priority`, `affinity`
 * - terminal: `foreground`, `pty`
 * - containment: `containment`, `require`, `processGroup`
 *
 * @category Start a program
 */
export interface CommandOptions {
  /** Arguments of the program. */
  args?: readonly string[];
  /**
   * Working directory of the child; a relative program is looked for in it.
   *
   * @default {the parent's}
   */
  cwd?: string | URL;
  /**
   * Whether the parent's environment is left out.
   *
   * @default {false}
   */
  clearEnv?: boolean;
  /** Environment variables to add or replace. Its `PATH` decides where the program is found. */
  env?: Record<string, string>;
  /** User id of the child (Linux; needs the privilege to change to it). */
  uid?: number;
  /** Group id of the child (Linux; needs the privilege to change to it). */
  gid?: number;
  /**
   * Supplementary groups of the child (Linux; needs the privilege to set them);
   * `[]` for none.
   *
   * @default {none} when root gives `uid` or `gid`, else the parent's
   */
  groups?: readonly number[];
  /**
   * File mode creation mask of the child, 0 to 0o777 (POSIX). A shell sets it and
   * becomes the program, which drops environment variables whose names are no
   * identifiers.
   *
   * @default {the parent's}
   */
  umask?: number;
  /**
   * Scheduling priority of the child: a word, or a nice value from -20 (most) to
   * 19 (least). The words are the nice values 19, 10, 0, -7 and -14, as Node has
   * them; on Windows both become a priority class. More than the parent's needs a
   * privilege on POSIX. On Linux a shell starts the child: see `suspended`.
   *
   * @default {the parent's}
   */
  priority?: ProcessPriority | number;
  /**
   * Numbers of the CPUs that the child may use (Linux, Windows up to 63). On Linux
   * a shell starts the child: see `suspended`.
   *
   * @default {the parent's}
   */
  affinity?: readonly number[];
  /**
   * Gives the child the terminal that this process runs on, as a shell does for a
   * foreground job: a process group of its own, the keyboard, Ctrl-C and Ctrl-Z.
   * The terminal and its modes come back when the child is stopped or has ended;
   * see {@linkcode ChildProcess.jobStopped}. Meanwhile this process must not read
   * the terminal: that would stop it (SIGTTIN).
   *
   * Without a terminal, or when this process is itself in the background, it is
   * ignored; {@linkcode ChildProcess.foreground} tells. Windows: ignored, since the
   * console is shared. On Linux a shell starts the child: see `suspended`.
   *
   * @default {false}
   */
  foreground?: boolean;
  /**
   * Starts the child on a pseudo-terminal of its own, 80 by 24 characters unless
   * said otherwise, as the leader of a session. Its keyboard is
   * `child.stdin`, whose end types the end of file (Ctrl-D); its screen, standard
   * error included, is read from `child.stdout`. Lines end with `\r\n`, and input is
   * echoed, unless the child changes that. Its `TERM` is what `env` says.
   * When this process ends, or closes both streams, the terminal is gone: SIGHUP.
   *
   * Linux only. macOS: setting the size, and reading without waiting, take variadic
   * calls that Deno's FFI cannot make there. Windows: no console of its own yet.
   *
   * @default {false}
   */
  pty?: boolean | Partial<TerminalSize>;
  /**
   * Ends the tree, as {@linkcode ChildProcess.stop} does, when it is aborted. One
   * that is aborted already starts nothing: see {@linkcode Command.spawn} and
   * {@linkcode Command.output}.
   */
  signal?: AbortSignal;
  /**
   * Standard input of the child: besides Deno's words a file, a descriptor, or a
   * stream to read from (the same as `input`), such as another child's `stdout`.
   *
   * @default {"inherit"} for `spawn()`, `"null"` for `output()` and `outputSync()`
   */
  stdin?: StdinOption;
  /**
   * The bytes of the child's standard input, which is closed behind them. Fed while
   * its outputs are drained; a child that ends without having read it all is no
   * error. Streams are not supported by `outputSync()`.
   */
  input?: string | Uint8Array | ReadableStream<Uint8Array>;
  /**
   * Standard output of the child: besides Deno's words a file or a descriptor.
   *
   * @default {"inherit"} for `spawn()`, `"piped"` for `output()` and `outputSync()`
   */
  stdout?: StdoutOption;
  /**
   * Standard error of the child: the same, or `"stdout"`: into the same pipe, file
   * or descriptor as standard output, in the order in which the child writes.
   * There is no `stderr` stream then, and no captured `stderr`.
   *
   * @default {"inherit"} for `spawn()`, `"piped"` for `output()` and `outputSync()`
   */
  stderr?: StderrOption;
  /**
   * Further descriptors of the child, by number from 3 on. With this option the
   * child gets exactly these besides its standard streams, and `{}` none; without
   * it, those of this process that are not close-on-exec, as with `Deno.Command`.
   * They are copies: what this process has stays its own. (Before glibc 2.34 what
   * this process was itself started with is closed only below the highest number.)
   *
   * A Deno child opens a pipe or file that it was given as `/dev/fd/3`, and serves
   * on a listener with `node:http` and `listen({ fd: 3 })`.
   *
   * Windows: the numbers are those that C programs know (Node, Python, and all
   * that use Microsoft's C runtime); others use the handles in `child.fds`. A
   * number or a listener is inherited under its own handle, which can be told to
   * the child in an argument.
   *
   * @default {none}
   */
  fds?: Record<number, FdSource>;
  /**
   * Listening sockets for a program that knows systemd's socket activation: they
   * become the descriptors from 3 on, and LISTEN_FDS, LISTEN_FDNAMES and
   * LISTEN_PID say so. A shell starts the program, as with `suspended`. Otherwise
   * as `fds`. Not on Windows.
   *
   * @default {none}
   */
  listeners?: readonly (Listener<SocketAddress> | NamedListener)[];
  /**
   * Runs the command, a whole command line, in a shell: `/bin/sh`, or the one of this
   * path. `args` cannot go with it: {@linkcode quote} makes a command line of words.
   * The shell is the program that is started, and that `--allow-run` is asked for;
   * its tree is ended as any other. On Windows it is `cmd.exe`, without its AutoRun
   * commands, and no other; the line has the rules of `cmd.exe`, which `quote()` does
   * not know, and is one line of at most 8,191 characters.
   *
   * @default {false}
   */
  shell?: boolean | string;
  /**
   * The name that the program is told as its own, its argument 0: `"-bash"` makes a
   * login shell, `"busybox"` words choose an applet. Python's `executable` is the
   * command then. Not on Windows, whose programs find their name in the command line.
   *
   * @default {the path at which the program was found}
   */
  argv0?: string;
  /**
   * Windows: arguments are passed on without quoting.
   *
   * @default {false}
   */
  windowsRawArguments?: boolean;
  /**
   * Windows: the child's console, window and desktop, and whether its tree may be
   * left. Its priority class is `priority`. Without effect on other systems.
   *
   * @default {none}
   */
  windows?: WindowsOptions;
  /**
   * The child gets a session of its own and is not ended when this process ends.
   *
   * @default {false}
   */
  detached?: boolean;
  /**
   * Milliseconds after the spawn at which the tree is stopped: the leader, for
   * which `status.timedOut` tells, or what it has left behind by then. 0 is no
   * limit.
   *
   * @default {no limit}
   */
  timeout?: number;
  /**
   * Milliseconds without output after which the tree is stopped;
   * `status.idledOut` tells. Output is what arrives here of a piped stdout or
   * stderr, so one of them must be piped. Only time counts in which this process
   * waits for output: the clock stands still without a pending read, and while
   * the reader is busy with earlier output. A stream that is piped and never read
   * says nothing.
   *
   * @default {no limit}
   */
  idleTimeout?: number;
  /**
   * Where piped output goes besides: to this process's own stdout and stderr
   * (`"inherit"`), to a stream, or to a function. Pieces come in order for each
   * stream, as they are read; a slow receiver slows the child down. When it
   * fails, the tree is stopped and the run fails with its error. A stream is not
   * closed at the end. `outputSync()` takes no stream, and does not wait for what
   * a function returns.
   *
   * @default {nowhere}
   */
  tee?: TeeTarget;
  /**
   * Milliseconds that a stop waits between the soft signal and the hard kill;
   * 0 kills at once.
   *
   * @default {5000}
   */
  grace?: number;
  /**
   * The soft signal of a stop. On Windows it is Ctrl-C, Ctrl-Break or a close of
   * windows: see {@linkcode ChildProcess.stop}.
   *
   * @default {"SIGTERM"}
   */
  stopSignal?: Deno.Signal;
  /**
   * Whether a stop of any cause tells the main process first: the soft signal goes to
   * it alone, and to what is left of the tree when it has ended; the hard kill is for
   * all (systemd's `KillMode=mixed`, but for that softness). For a launcher or a
   * supervisor that passes the signal on, and whose children would take a second one
   * for impatience. One that is ended hard at the end of `grace` has not told anyone:
   * its children are killed with it.
   *
   * Windows: a console event reaches every process of the console, the main process
   * first or not; a close of windows goes to those of the main process.
   *
   * @default {false}: all at once
   */
  mainFirst?: boolean;
  /**
   * The mechanism that must hold the tree. One that cannot be had is an error.
   * `"auto"` is `lineage` on Linux, `process-group` on macOS, `job-object` on
   * Windows.
   *
   * @default {"auto"}
   */
  containment?: ContainmentRequest;
  /**
   * What must hold, or nothing is started: see {@linkcode Requirement}. A
   * {@linkcode RequirementError} says what is missing, and what would give it;
   * {@linkcode capabilities} tells beforehand.
   *
   * @default {nothing}
   */
  require?: Requirement;
  /**
   * Whether the tree ends when its owner ends, by whatever cause: this process, a
   * worker, the run before a restart of `--watch`, a test file. On POSIX a guard
   * does it, with the command's `stopSignal` and `grace`; `"now"` is without
   * either. On Windows the job object does it, always at once.
   *
   * @default {true} unless `detached`
   */
  killOnParentExit?: boolean | "now";
  /**
   * POSIX process group of the child: its own, a session of its own, or the
   * parent's. `"auto"` is `"own"`, except for a child that reads the terminal
   * this process runs on: it stays in the foreground group. Under the containment
   * `process-group`, always on macOS, it cannot be the parent's, which would be
   * ended with it: there `"inherit"` is `"own"`. Ignored on Windows.
   *
   * @default {"auto"}
   */
  processGroup?: ProcessGroupMode;
  /**
   * Starts the child stopped, before its first instruction; `resume()` lets it
   * run. On Linux a shell starts it, which drops environment variables whose
   * names are no identifiers.
   *
   * @default {false}
   */
  suspended?: boolean;
  /**
   * Limits of the child and of everything it starts; `status.limit` tells which
   * one ended it. `outputSync()` has them, too.
   *
   * @default {no limits}
   */
  limits?: Limits;
  /**
   * Called with what happens to the child: started, ready, signalled, escalated, limited,
   * ended, empty, survivors. Synchronously, so it must not take long; what it throws is
   * reported like an error of an event listener, and changes nothing. With
   * `OTEL_DENO=true` the same becomes a span of OpenTelemetry, with or without a hook.
   *
   * @default {none}
   */
  onEvent?: ProcessEventHook;
  /**
   * Bytes that `output()`, `outputSync()` and `checkOutput()` keep per stream.
   *
   * @default {268435456} (256 MiB)
   */
  maxOutput?: number;
  /**
   * What happens beyond `maxOutput`: the tree is stopped and the call fails
   * (`"error"`), or the first (`"head"`) or last (`"tail"`) bytes are kept, or both
   * ends (`"ends"`): the first half and the last half, and between them a line that
   * says how many bytes were left out.
   *
   * @default {"error"}
   */
  outputPolicy?: OutputPolicy;
}

/** The options that a command has. */
export const COMMAND_OPTIONS: Known<CommandOptions> = {
  args: true,
  shell: true,
  argv0: true,
  cwd: true,
  clearEnv: true,
  env: true,
  uid: true,
  gid: true,
  groups: true,
  umask: true,
  priority: true,
  affinity: true,
  foreground: true,
  pty: true,
  signal: true,
  stdin: true,
  input: true,
  stdout: true,
  stderr: true,
  fds: true,
  listeners: true,
  windowsRawArguments: true,
  windows: true,
  detached: true,
  timeout: true,
  idleTimeout: true,
  tee: true,
  grace: true,
  stopSignal: true,
  mainFirst: true,
  containment: true,
  require: true,
  killOnParentExit: true,
  processGroup: true,
  suspended: true,
  limits: true,
  onEvent: true,
  maxOutput: true,
  outputPolicy: true,
};

/** Stdio where the caller says nothing. */
export interface StdioDefaults {
  readonly stdin: StdioTarget;
  readonly stdout: StdioTarget;
  readonly stderr: StdioTarget;
  /**
   * Standard input of a child on a pseudo-terminal: `"piped"` where the caller gets
   * a child to write to, otherwise `"null"`, so that the child reads an end of file.
   */
  readonly terminalInput: "piped" | "null";
}

/**
 * Quotes words for a POSIX shell, so that it takes each as it is, whatever is in it:
 * spaces, quotes, `$`, backticks, `*`, newlines, nothing at all.
 *
 * For dash, bash, busybox, ksh and zsh, not for `cmd.exe`, whose rules differ.
 *
 * @param words The words: a program and its arguments, or one argument.
 * @returns The command line.
 * @throws {TypeError} when it is no array of strings, or one contains a NUL.
 *
 * @example
 * ```ts
 * import { Command, quote } from "@killable/process";
 *
 * const line = quote(["echo", "it's $HOME", "*"]);
 * console.log(line); // echo 'it'\''s $HOME' '*'
 * if (Deno.build.os !== "windows") {
 *   const { stdout } = await new Command(`${line} | tr a-z A-Z`, { shell: true }).output();
 *   console.log(new TextDecoder().decode(stdout).trim()); // IT'S $HOME *
 * }
 * ```
 *
 * @category Start a program
 */
export function quote(words: readonly string[]): string {
  if (!Array.isArray(words)) {
    throw new TypeError(
      `Invalid words of quote(): expected an array of strings, got ${
        shown(words)
      }`,
    );
  }
  const quoted: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word: unknown = words[i];
    if (typeof word !== "string") {
      throw new TypeError(
        `Invalid words of quote(): expected strings, got ${shown(word)}`,
      );
    }
    quoted[i] = quoteWord(withoutNul(word, `word ${i}`));
  }
  return quoted.join(" ");
}

function quoteWord(word: string): string {
  // A word before `=` would be an assignment, one with `~` a home directory.
  if (/^[A-Za-z0-9_\-./:,@+%]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

const LONGEST_CMD_LINE = 8191;

/** A shell and its arguments. */
export interface ShellCommand {
  /** The shell. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Whether they are a part of a command line already (Windows). */
  readonly raw: boolean;
}

/**
 * The shell that runs a command line.
 *
 * @param shell The option: true, or a shell's path.
 * @param line The command line.
 * @param args The option `args`, which cannot go with it.
 * @returns The shell and its arguments; `null` when no shell is asked for.
 * @throws {TypeError} when the option is of the wrong type, or there are arguments.
 * @throws {Deno.errors.NotSupported} for a path on Windows.
 */
export function shellCommand(
  shell: unknown,
  line: unknown,
  args: unknown,
): ShellCommand | null {
  if (shell === undefined || shell === null || shell === false) return null;
  if (typeof line !== "string") {
    throw new TypeError(
      `Invalid command: with 'shell' it is a command line, got ${shown(line)}`,
    );
  }
  if (args !== undefined && (args as { length?: number }).length !== 0) {
    throw new TypeError(
      "Invalid args: with 'shell' the command is a whole command line. Put them into it with quote()",
    );
  }
  const windows = backend().name === "windows";
  const program = shell === true ? backend().shell() : shell;
  if (typeof program !== "string" || program === "") {
    throw new TypeError(
      `Invalid shell: expected a boolean or the path of a shell, got ${
        shown(shell)
      }`,
    );
  }
  if (windows) return cmdCommand(program, shell === true, line);
  // The line as an operand: one that begins with "-" is no option.
  return {
    program: pathOf(program, "shell"),
    args: ["-c", "--", withoutNul(line, "command")],
    raw: false,
  };
}

// Page "cmd" (Windows Commands): /d leaves the AutoRun commands out, and with /s the
// line is what stands between the first quote and the last.
function cmdCommand(
  program: string,
  ownShell: boolean,
  line: string,
): ShellCommand {
  if (!ownShell) {
    throw new Deno.errors.NotSupported(
      `Cannot use shell '${program}' on Windows: true is cmd.exe; start any other shell as a program, with 'args'`,
    );
  }
  if (/[\r\n]/.test(line)) {
    throw new TypeError(
      "Invalid command: cmd.exe takes a command line up to its first line end. Join commands by '&', or run a batch file",
    );
  }
  const quoted = `"${withoutNul(line, "command")}"`;
  // With its own name in quotes and the three options in front.
  const length = program.length + quoted.length + 12;
  if (length > LONGEST_CMD_LINE) {
    throw new TypeError(
      `Invalid command: cmd.exe would cut off a line of ${length} characters; it takes ${LONGEST_CMD_LINE}. Run a batch file`,
    );
  }
  return { program, args: ["/d", "/s", "/c", quoted], raw: true };
}
