/**
 * Moving bytes while blocking: one poll(2) over stdin, stdout, stderr and the
 * leader's pidfd, so that no pipe can fill up while another is served.
 *
 * @module
 */

import type { SyncIo, SyncOutcome } from "../../backend/native.ts";
import type { Leader } from "../wait/leader.ts";
import { libcWait } from "../system/libc.ts";
import { type PipeSink, type PipeSource, SCRATCH } from "./pipe.ts";

const POLLIN = 1;
const POLLOUT = 4;
// The interval of looks for the exit where there is no pidfd.
const BLIND_MS = 5;
// The same for a child in the foreground: no descriptor announces a stop.
const STOP_MS = 50;
const MAX_POLL_MS = 0x7fff_ffff;

/** The pipes of a child. */
export interface SyncPipes {
  readonly stdin: PipeSink | null;
  readonly stdout: PipeSource | null;
  readonly stderr: PipeSource | null;
}

// struct pollfd (poll(2)): fd i32 at 0, events i16 at 4, revents i16 at 6.
const set = new Int32Array(8);
const bytes = new Uint8Array(set.buffer);

function arm(slot: number, fd: number, events: number): void {
  set[slot * 2] = fd;
  set[slot * 2 + 1] = events;
}

function fired(slot: number): boolean {
  return (set[slot * 2 + 1] as number) >> 16 !== 0;
}

/**
 * Moves bytes until the leader has exited, the time is up, or a receiver takes no
 * more.
 *
 * @param pipes The pipes.
 * @param leader The child.
 * @param io Input and receivers; `io.input` is advanced.
 * @param ms The longest time in milliseconds; Infinity for no limit.
 * @returns The reason for which it has returned.
 */
export function pumpPipes(
  pipes: SyncPipes,
  leader: Leader,
  io: SyncIo,
  ms: number,
): SyncOutcome {
  const deadline = performance.now() + ms;
  for (;;) {
    if (io.input === null) pipes.stdin?.close();
    const remaining = deadline - performance.now();
    if (remaining <= 0) return "timeout";
    arm(0, pipes.stdin?.fd ?? -1, POLLOUT);
    arm(1, pipes.stdout?.fd ?? -1, POLLIN);
    arm(2, pipes.stderr?.fd ?? -1, POLLIN);
    arm(3, leader.pidfd, POLLIN);
    const seeing = leader.watchesStops ? STOP_MS : MAX_POLL_MS;
    const limit = leader.pidfd < 0 ? BLIND_MS : seeing;
    libcWait().poll(bytes, 4n, Math.ceil(Math.min(remaining, limit)));
    if (fired(0)) feed(pipes.stdin as PipeSink, io);
    if (fired(1) && !take(pipes.stdout, io.stdout)) return "overflow";
    if (fired(2) && !take(pipes.stderr, io.stderr)) return "overflow";
    const unsure = leader.pidfd < 0 || leader.watchesStops;
    if ((unsure || fired(3)) && leader.poll() !== null) return "exited";
  }
}

/**
 * Reads the rest of the pipes and closes them, without waiting for other processes
 * that hold the other ends.
 *
 * @param pipes The pipes.
 * @param io The receivers.
 */
export function drainPipes(pipes: SyncPipes, io: SyncIo): void {
  pipes.stdin?.close();
  pipes.stdout?.finish();
  pipes.stderr?.finish();
  while (pipes.stdout !== null && pipes.stdout.fd >= 0) {
    if (!take(pipes.stdout, io.stdout)) break;
  }
  while (pipes.stderr !== null && pipes.stderr.fd >= 0) {
    if (!take(pipes.stderr, io.stderr)) break;
  }
  pipes.stdout?.close();
  pipes.stderr?.close();
}

function feed(sink: PipeSink, io: SyncIo): void {
  if (io.input === null) return;
  try {
    const written = sink.writeSync(io.input);
    io.input = written === io.input.byteLength
      ? null
      : io.input.subarray(written);
  } catch {
    // EPIPE: the child does not read the rest, which is no error (as in duct).
    io.input = null;
  }
}

function take(
  source: PipeSource | null,
  receiver: ((piece: Uint8Array) => boolean) | null,
): boolean {
  if (source === null) return true;
  const n = source.readSync(SCRATCH());
  if (n <= 0) return true;
  return receiver === null || receiver(SCRATCH().subarray(0, n));
}
