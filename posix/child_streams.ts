/**
 * What a child's standard streams are made of: pipes, a pseudo-terminal, or what
 * this process has; and the terminal it is lent.
 *
 * @module
 */

import type { SpawnSpec, StdioMode } from "../backend.ts";
import { withCredentials } from "./credentials.ts";
import { ForegroundTerminal } from "./foreground.ts";
import { libc } from "./libc.ts";
import { openPipe, type PipeEnds, PipeSink, PipeSource } from "./pipe.ts";
import { openPty, type Pty, PtySink, PtySource } from "./pty.ts";
import { FileActions } from "./spawn_attributes.ts";

/** What was opened for a child; filled by {@linkcode ChildStreams.open}. */
export class ChildStreams {
  /** Pipes for stdin, stdout and stderr. */
  readonly pipes: (PipeEnds | null)[] = [null, null, null];
  /** Its pseudo-terminal. */
  pty: Pty | null = null;
  /** Our terminal, for a foreground child. */
  terminal: ForegroundTerminal | null = null;

  /** Opens what the specification asks for. On an error, {@linkcode ChildStreams.close} what is there. */
  open(spec: SpawnSpec): void {
    if (spec.foreground) this.terminal = ForegroundTerminal.open();
    if (spec.pty !== null) {
      const size = spec.pty;
      this.pty = withCredentials(spec, () => openPty(size));
      return;
    }
    if (spec.stdin === "piped") this.pipes[0] = openPipe("in");
    if (spec.stdout === "piped") this.pipes[1] = openPipe("out");
    if (spec.stderr === "piped") this.pipes[2] = openPipe("out");
  }

  /** Closes the ends that the child has by now. */
  closeFar(): void {
    this.#closePipes("far");
  }

  /** Closes everything: the child was not started. */
  close(): void {
    this.#closePipes("near");
    this.#closePipes("far");
    this.terminal?.close();
    if (this.pty === null) return;
    libc().close(this.pty.reading);
    libc().close(this.pty.writing);
    libc().close(this.pty.slave);
  }

  #closePipes(end: "near" | "far"): void {
    for (let i = 0; i < this.pipes.length; i++) {
      const pipe = this.pipes[i];
      if (pipe) libc().close(pipe[end]);
    }
  }
}

/** Our ends, as sources and sinks. */
export interface OwnEnds {
  readonly stdin: PipeSink | null;
  readonly stdout: PipeSource | null;
  readonly stderr: PipeSource | null;
}

/**
 * Makes sources and sinks of our ends.
 *
 * @param spec The specification.
 * @param streams What was opened; owned by the ends from now on.
 * @returns The ends.
 */
export function ownEnds(spec: SpawnSpec, streams: ChildStreams): OwnEnds {
  const { pipes, pty } = streams;
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
  const input = pipes[0];
  const output = pipes[1];
  const errors = pipes[2];
  return {
    stdin: input ? new PipeSink(input.near) : null,
    stdout: output ? new PipeSource(output.near) : null,
    stderr: errors ? new PipeSource(errors.near) : null,
  };
}

// Without pipes and directory the actions are the same each time: made once.
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
  const modes: readonly StdioMode[] = [spec.stdin, spec.stdout, spec.stderr];
  const shared = spec.cwd === null && !modes.includes("piped") &&
    streams.pty === null;
  const key = shared ? modes.join() : "";
  const known = shared ? sharedActions.get(key) : undefined;
  if (known !== undefined) return known;
  const actions = new FileActions(shared);
  if (streams.pty !== null) actions.terminal(streams.pty.path);
  else {
    for (let i = 0; i < 3; i++) {
      const pipe = streams.pipes[i];
      actions.descriptor(i, pipe ? pipe.far : modes[i] as "inherit" | "null");
    }
  }
  if (spec.cwd !== null) actions.directory(spec.cwd);
  if (shared) sharedActions.set(key, actions);
  return actions;
}
