/**
 * The standard streams of a child: pipes, files, a pseudo-terminal, or those of this
 * process; and the terminal that it is lent.
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
import type { ChildFile } from "./launcher.ts";
import type { Hold } from "./held_start.ts";
import type { LaunchPlan } from "./launch_plan.ts";
import { atUnload } from "../system/isolate_end.ts";
import { libc } from "../system/libc.ts";
import { PipeSink, PipeSource } from "../stdio/pipe.ts";
import { FileActions } from "../system/posix_spawn.ts";

/** The descriptors that are opened for a child, by {@linkcode ChildStreams.open}. */
export class ChildStreams {
  /** Stdin, stdout and stderr, where they are not a pseudo-terminal. */
  readonly stdio: StdioEnds = new StdioEnds();
  /** Its further descriptors. */
  fds: ChildDescriptors | null = null;
  /** Its pseudo-terminal. */
  pty: Pty | null = null;
  /** Our terminal, for a foreground child. */
  terminal: ForegroundTerminal | null = null;
  /** The pipe that holds it back while it is prepared. */
  hold: Hold | null = null;
  #launcher = -1;

  /** Opens the terminal that a foreground child is lent. */
  openTerminal(spec: SpawnSpec): void {
    if (spec.foreground) this.terminal = ForegroundTerminal.open();
  }

  /**
   * Opens all other streams. After an error, {@linkcode ChildStreams.close} closes
   * the ones that are open.
   *
   * @param spec The specification.
   * @param plan The launch plan; its open descriptors are owned from now on.
   */
  open(spec: SpawnSpec, plan: LaunchPlan): void {
    this.hold = plan.hold;
    this.#launcher = plan.launcher;
    const later = openedInChild(plan);
    if (spec.fds !== null) {
      const { reserved } = plan;
      this.fds = new ChildDescriptors(spec.fds, {
        command: spec.command,
        reserved,
        later,
      });
    }
    if (spec.pty === null) {
      this.stdio.open(spec, later);
      return;
    }
    const size = spec.pty;
    this.pty = withCredentials(spec, () => openPty(size));
  }

  /** The child has been started. Idempotent. */
  closeLauncher(): void {
    if (this.#launcher >= 0) libc().close(this.#launcher);
    this.#launcher = -1;
  }

  /** Closes everything: the child was not started. */
  close(): void {
    this.closeLauncher();
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

// Descriptors that the child makes itself: it is started with /dev/null in their place.
function openedInChild({ errand }: LaunchPlan): ReadonlySet<number> {
  if (errand === null || errand.files.length === 0) return NONE;
  const targets = new Set<number>();
  for (let i = 0; i < errand.files.length; i++) {
    targets.add((errand.files[i] as ChildFile).target);
  }
  return targets;
}

const NONE: ReadonlySet<number> = new Set();

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
 * @param streams The open streams; owned by the ends from now on.
 * @returns The ends.
 */
export function ownEnds(spec: SpawnSpec, streams: ChildStreams): OwnEnds {
  const { stdio, pty } = streams;
  if (pty !== null) {
    const stdin = new PtySink(pty.writing);
    const stdout = new PtySource(pty.reading, stdin);
    // Without a writer: end of file.
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

// With streams that are all "inherit" or "null", and without a directory, the actions
// are the same each time: made once.
const sharedActions = new Map<string, FileActions>();

// They hold the number of the null device, which is closed then.
function disposeShared(): void {
  sharedActions.forEach((actions) => actions[Symbol.dispose]());
  sharedActions.clear();
}

/**
 * The file actions that give a child its streams and its directory.
 *
 * @param spec The specification.
 * @param streams The open streams.
 * @param plan The launch plan.
 * @returns The actions; to be disposed of unless they are shared.
 */
export function fileActions(
  spec: SpawnSpec,
  streams: ChildStreams,
  { errand }: LaunchPlan,
): FileActions {
  const { stdio, pty, fds, hold } = streams;
  const shared = spec.cwd === null && pty === null && fds === null &&
    errand === null && !stdio.descriptors;
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
  if (shared) {
    if (sharedActions.size === 0) atUnload(disposeShared);
    sharedActions.set(key, actions);
  }
  return actions;
}
