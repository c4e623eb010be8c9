/**
 * A run that blocks: `outputSync()`, with timeout and the end of the tree.
 *
 * @module
 */

import {
  backend,
  type NativeProcess,
  type SpawnSpec,
  type SyncIo,
} from "./backend.ts";
import { Capture } from "./capture.ts";
import { OutputLimitExceeded } from "./errors.ts";
import type { RunControl } from "./options.ts";
import { commandOutput, statusWith } from "./result.ts";
import type { CommandOutput } from "./status.ts";
import { stopSequence } from "./stop.ts";
import { SyncLimits } from "./sync_limits.ts";
import type { Usage } from "./usage.ts";

/**
 * Runs a command, blocking this thread: no timer, no signal handler and no
 * `AbortSignal` of this isolate runs meanwhile.
 *
 * @param spec What to start.
 * @param control How the run ends.
 * @returns Status and output.
 * @throws {TypeError} when `input` is a stream.
 * @throws {OutputLimitExceeded} when a stream grew past `maxOutput`.
 * @throws {SurvivorsError} when something could not be ended; it names it.
 */
export function runSync(spec: SpawnSpec, control: RunControl): CommandOutput {
  if (control.input instanceof ReadableStream) {
    throw new TypeError(
      "Cannot use a stream as 'input' of a synchronous run: use spawn() or output(), or give the bytes",
    );
  }
  const { maxOutput, outputPolicy } = control;
  const capture = (mode: string): Capture | null =>
    mode === "piped" ? new Capture(maxOutput, outputPolicy) : null;
  const stdout = capture(spec.stdout);
  const stderr = capture(spec.stderr);
  const io: SyncIo = {
    input: control.input,
    stdout: stdout?.take ?? null,
    stderr: stderr?.take ?? null,
  };
  const native = backend().spawn(spec);
  const limits = control.limits === null
    ? null
    : new SyncLimits(native, control.limits, io);
  let ended = false;
  let outcome;
  let killed = false;
  try {
    outcome = limits === null
      ? native.pumpSync(io, control.timeout)
      : limits.pump(io, control.timeout);
    killed = outcome !== "exited";
    if (!native.treeIsEmpty()) {
      stopPumping(native, io, control, limits?.passed ? 0 : control.grace);
    }
    ended = true;
  } finally {
    if (!ended) native.killTree();
    native.drainSync(io);
    native.retire();
  }
  const out = stdout?.result() ?? null;
  const err = stderr?.result() ?? null;
  if (stdout?.exceeded || stderr?.exceeded) {
    throw new OutputLimitExceeded(control.command, maxOutput, {
      stdout: out,
      stderr: err,
    });
  }
  const exit = native.exitStatus(true) ??
    { code: -1, signal: null, lost: true };
  const fields = {
    success: exit.code === 0,
    code: exit.code,
    signal: exit.signal,
    timedOut: outcome === "timeout",
    aborted: false,
    killed,
    lost: exit.lost,
    limit: limits?.leaderEnded(exit, killed) ?? null,
  };
  const source = {
    get usage(): Usage {
      return native.usage("known");
    },
  };
  const status = statusWith(fields, source, {});
  const truncated = stdout?.truncated || stderr?.truncated || false;
  return commandOutput(status, out, err, truncated);
}

// The stop of a blocking run goes on taking the output: a child that flushes
// into a full pipe on SIGTERM must not sit out the grace.
function stopPumping(
  native: NativeProcess,
  io: SyncIo,
  control: RunControl,
  grace: number,
): void {
  const state = {
    deadline: performance.now() + grace,
    watch: null,
  };
  const request = {
    command: control.command,
    signal: control.stopSignal,
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
}
