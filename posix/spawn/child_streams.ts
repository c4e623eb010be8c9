/**
 * What a child's standard streams are made of: pipes, a pseudo-terminal, or what
 * this process has; and the terminal it is lent.
 *
 * @module
 */

import type { SpawnSpec } from "../../backend/spec.ts";
import { ChildDescriptors, StdioEnds } from "../stdio/stdio.ts";
import { withCredentials } from "./credentials.ts";
import {
  ForegroundTerminal,
  openPty,
  type Pty,
  PtySink,
  PtySource,
} from "../stdio/pty.ts";
import type { Hold } from "./held_start.ts";
import { libc } from "../system/libc.ts";
import { PipeSink, PipeSource } from "../stdio/pipe.ts";
import { FileActions } from "../system/posix_spawn.ts";

/** What was opened for a child; filled by {@linkcode ChildStreams.open}. */
export class ChildStreams {
  /** Stdin, stdout and stderr, where they are not a pseudo-terminal. */
  readonly stdio: StdioEnds = new StdioEnds();
  /** Its further descriptors. */
  fds: ChildDescriptors | null = null;
  /** Its pseudo-terminal. */
  pty: Pty | null = null;
  /** Our terminal, for a foreground child. */
  terminal: ForegroundTerminal | null = null;
  /** What it is held back with while it is prepared; set before the opening. */
  hold: Hold | null = null;

  /** Opens the terminal that a foreground child is lent. */
  openTerminal(spec: SpawnSpec): void {
    if (spec.foreground) this.terminal = ForegroundTerminal.open();
  }

  /** Opens what else the specification asks for. On an error, {@linkcode ChildStreams.close} what is there. */
  open(spec: SpawnSpec): void {
    if (spec.fds !== null) {
      const reserved = this.hold?.digit ?? -1;
      this.fds = new ChildDescriptors(spec.fds, spec.command, reserved);
    }
    if (spec.pty === null) {
      this.stdio.open(spec);
      return;
    }
    const size = spec.pty;
    this.pty = withCredentials(spec, () => openPty(size));
  }

  /** Closes everything: the child was not started. */
  close(): void {
    this.stdio[Symbol.dispose]();
    this.fds?.closeFar();
    this.fds?.closeNear();
    this.terminal?.close();
    this.hold?.close();
    if (this.pty === null) return;
    libc().close(this.pty.reading);
    libc().close(this.pty.writing);
    libc().close(this.pty.slave);
  }
}

/** Our ends, as sources and sinks. */
export interface OwnEnds {
  readonly stdin: PipeSink | null;
  readonly stdout: PipeSource | null;
  readonly stderr: PipeSource | null;
}

const NO_ENDS: OwnEnds = { stdin: null, stdout: null, stderr: null };

/**
 * Makes sources and sinks of our ends.
 *
 * @param spec The specification.
 * @param streams What was opened; owned by the ends from now on.
 * @returns The ends.
 */
export function ownEnds(spec: SpawnSpec, streams: ChildStreams): OwnEnds {
  const { stdio, pty } = streams;
  if (pty !== null) {
    const stdin = new PtySink(pty.writing);
    const stdout = new PtySource(pty.reading, stdin);
    // Nobody types: end of file.
    if (spec.stdin !== "piped") stdin.close();
    return {
      stdin: spec.stdin === "piped" ? stdin : null,
      stdout,
      stderr: null,
    };
  }
  if (!stdio.descriptors) return NO_ENDS;
  const input = stdio.take(0);
  const output = stdio.take(1);
  const errors = stdio.take(2);
  return {
    stdin: input < 0 ? null : new PipeSink(input),
    stdout: output < 0 ? null : new PipeSource(output),
    stderr: errors < 0 ? null : new PipeSource(errors),
  };
}

// Where only words are asked for, and no directory, the actions are the same each
// time: made once.
const sharedActions = new Map<string, FileActions>();

/**
 * The file actions that give a child its streams and its directory.
 *
 * @param spec The specification.
 * @param streams What was opened.
 * @returns The actions; to be disposed of unless they are shared.
 */
export function fileActions(
  spec: SpawnSpec,
  streams: ChildStreams,
): FileActions {
  const { stdio, pty, fds, hold } = streams;
  const shared = spec.cwd === null && pty === null && fds === null &&
    hold === null && !stdio.descriptors;
  const key = shared ? `${spec.stdin},${spec.stdout},${spec.stderr}` : "";
  const known = shared ? sharedActions.get(key) : undefined;
  if (known !== undefined) return known;
  const actions = new FileActions(shared);
  if (pty !== null) actions.terminal(pty.path);
  else for (let i = 0; i < 3; i++) actions.descriptor(i, stdio.source(i));
  // After the standard streams: their sources may have the numbers of targets.
  if (hold !== null) actions.descriptor(hold.digit, hold.source);
  fds?.addTo(actions);
  if (spec.cwd !== null) actions.directory(spec.cwd);
  if (shared) sharedActions.set(key, actions);
  return actions;
}
