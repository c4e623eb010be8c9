/**
 * A run that blocks: `outputSync()`, with timeout and the end of the tree.
 *
 * @module
 */

import { isReadable, isWritable } from "../validate.ts";
import { backend } from "../../backend/backend.ts";
import type {
  NativeProcess,
  StopReport,
  SyncIo,
  SyncOutcome,
} from "../../backend/native.ts";
import { SyncLimits } from "../limits/run_limits.ts";
import {
  type Capture,
  type OutputName,
  showSync,
  type TeeTarget,
} from "../stdio/child_output.ts";
import { newCaptures } from "../stdio/outputs.ts";
import { abortedOutput, type Plan, type RunControl } from "./run.ts";
import { type CommandOutput, outputOf, statusOf } from "./status.ts";
import { Events } from "./events.ts";
import { stopSequence } from "./stop.ts";

/**
 * Runs a command, blocking this thread: no timer, no signal handler and no
 * `AbortSignal` of this isolate runs meanwhile.
 *
 * @param plan What to start, and how the run ends.
 * @returns Status and output.
 * @throws {TypeError} when `input` or `tee` is a stream.
 * @throws {OutputLimitExceeded} when a stream grew past `maxOutput`.
 * @throws {SurvivorsError} when something could not be ended; it names it.
 */
export function runSync({ spec, control }: Plan): CommandOutput {
  if (isReadable(control.input)) {
    throw new TypeError(
      "Cannot use a stream as 'input' of a synchronous run: use spawn() or output(), or give the bytes",
    );
  }
  if (control.abortSignal?.aborted) return abortedOutput({ spec, control });
  const { tee } = control;
  if (isWritable(tee)) {
    throw new TypeError(
      "Cannot use a stream as 'tee' of a synchronous run: use spawn() or output(), or give a function",
    );
  }
  const captured = newCaptures(
    control,
    spec.stdout === "piped",
    spec.stderr === "piped",
  );
  const silence = { since: 0 };
  const io: SyncIo = {
    input: control.input,
    stdout: receiver(captured.stdout, "stdout", tee, silence),
    stderr: receiver(captured.stderr, "stderr", tee, silence),
  };
  const native = backend().spawn(spec);
  const { pid } = native;
  const events = Events.ofRun(control.onEvent, control.command, pid);
  const limits = control.limits === null
    ? null
    : new SyncLimits(native, control.limits, io);
  silence.since = performance.now();
  let ended = false;
  let outcome;
  let killed = false;
  let report: StopReport | null = null;
  try {
    limits?.begin();
    outcome = pump(native, limits ?? native, io, control, silence);
    killed = outcome !== "exited";
    if (!native.treeIsEmpty()) {
      report = stopPumping(
        native,
        io,
        control,
        limits?.passed ? 0 : control.grace,
        events,
      );
    }
    ended = true;
  } catch (error) {
    events?.failed(error);
    throw error;
  } finally {
    if (!ended) native.killTree();
    native.drainSync(io);
    native.retire();
  }
  const exit = native.exitStatus(true) ??
    { code: -1, signal: null, lost: true };
  const status = statusOf(native, exit, {
    timedOut: outcome === "timeout",
    idledOut: outcome === "idle",
    aborted: false,
    killed,
    limit: limits?.leaderEnded(exit, killed) ?? null,
    report,
  });
  events?.finished(exit, status.limit, true);
  return outputOf(status, control, captured);
}

interface Silence {
  since: number;
}

function receiver(
  capture: Capture | null,
  name: OutputName,
  tee: Exclude<TeeTarget, WritableStream> | null,
  silence: Silence,
): ((piece: Uint8Array) => boolean) | null {
  if (capture === null) return null;
  return (piece) => {
    silence.since = performance.now();
    if (tee !== null) showSync(tee, piece, name);
    return capture.take(piece);
  };
}

// Until the leader has exited, one of the two times is up, or a limit is passed.
function pump(
  native: NativeProcess,
  pumped: Pick<SyncLimits, "pumpSync">,
  io: SyncIo,
  control: RunControl,
  silence: Silence,
): SyncOutcome | "idle" | "limit" {
  const deadline = performance.now() + control.timeout;
  for (;;) {
    const idle = silence.since + control.idleTimeout;
    const ms = Math.min(deadline, idle) - performance.now();
    const outcome = pumped.pumpSync(io, Math.max(ms, 0));
    if (outcome !== "timeout") return outcome;
    const now = performance.now();
    if (now >= deadline) {
      // This process may have been stopped: what has ended meanwhile is not late.
      return native.exitStatus(true) === null ? "timeout" : "exited";
    }
    if (now >= silence.since + control.idleTimeout) return "idle";
  }
}

// The stop of a blocking run goes on taking the output: a child that flushes
// into a full pipe on SIGTERM must not sit out the grace.
function stopPumping(
  native: NativeProcess,
  io: SyncIo,
  control: RunControl,
  grace: number,
  events: Events | null,
): StopReport {
  const state = {
    deadline: performance.now() + grace,
    watch: null,
  };
  const request = {
    command: control.command,
    signal: control.stopSignal,
    mainFirst: control.mainFirst,
    events,
    grace,
  };
  const draining: SyncIo = {
    input: null,
    stdout: (piece) => {
      io.stdout?.(piece);
      return true;
    },
    stderr: (piece) => {
      io.stderr?.(piece);
      return true;
    },
  };
  const sequence = stopSequence(native, request, state);
  let step = sequence.next(false);
  while (!step.done) {
    const until = step.value;
    if (native.exitStatus(false) === null) {
      native.pumpSync(draining, Math.max(until - performance.now(), 0));
    }
    const rest = Math.max(until - performance.now(), 0);
    step = sequence.next(native.waitTreeEmptySync(rest));
  }
  return step.value;
}
