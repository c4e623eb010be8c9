/**
 * Moving bytes while blocking: one wait over the leader and an event for each
 * pipe, so that no pipe can fill up while another is served.
 *
 * Pages: "WaitForMultipleObjects function", "GetOverlappedResult function".
 *
 * @module
 */

import type { SyncIo, SyncOutcome } from "../../backend/native.ts";
import { INFINITE } from "../system/constants.ts";
import type { Leader } from "../wait/leader.ts";
import { io as io_ } from "../system/kernel32.ts";
import type { PipeReader } from "./pipe_reader.ts";
import type { PipeWriter } from "./pipe_writer.ts";
import { SyncReader, SyncWriter } from "./sync_pipe.ts";

/** The pipes of a child. */
export interface SyncPipes {
  /** Pipe to stdin, or `null`. */
  readonly stdin: PipeWriter | null;
  /** Pipe from stdout, or `null`. */
  readonly stdout: PipeReader | null;
  /** Pipe from stderr, or `null`. */
  readonly stderr: PipeReader | null;
}

/** Pumps one child's pipes. Operations stay in flight between two calls. */
export class SyncPump {
  readonly #pipes: SyncPipes;
  readonly #stdin: SyncWriter | null;
  readonly #stdout: SyncReader | null;
  readonly #stderr: SyncReader | null;
  readonly #waits: BigUint64Array<ArrayBuffer> = new BigUint64Array(
    new ArrayBuffer(32),
  );

  /** @param pipes The pipes, not in asynchronous use. */
  constructor(pipes: SyncPipes) {
    this.#pipes = pipes;
    const { stdin, stdout, stderr } = pipes;
    this.#stdin = stdin === null ? null : new SyncWriter(stdin.handle);
    this.#stdout = stdout === null ? null : new SyncReader(stdout.handle);
    this.#stderr = stderr === null ? null : new SyncReader(stderr.handle);
  }

  /**
   * Moves bytes until the leader has exited, the time is up, or a receiver has
   * had enough.
   *
   * @param leader The child.
   * @param io Input and receivers; `io.input` is advanced.
   * @param ms How long at most, in milliseconds; Infinity for no limit.
   * @returns Why it came back.
   */
  pump(leader: Leader, io: SyncIo, ms: number): SyncOutcome {
    const deadline = performance.now() + ms;
    while (true) {
      this.#feed(io);
      if (!(this.#stdout?.advance(io.stdout) ?? true)) return "overflow";
      if (!(this.#stderr?.advance(io.stderr) ?? true)) return "overflow";
      if (leader.poll() !== null) return "exited";
      const remaining = deadline - performance.now();
      if (remaining <= 0) return "timeout";
      if (!this.#interrupted) this.#wait(leader, remaining);
    }
  }

  get #interrupted(): boolean {
    return (this.#stdout?.interrupted ?? false) ||
      (this.#stderr?.interrupted ?? false);
  }

  #feed(io: SyncIo): void {
    if (this.#stdin === null) return;
    if (io.input !== null) io.input = this.#stdin.advance(io.input);
    if (io.input === null && !this.#stdin.closed) {
      this.#stdin.close();
      this.#pipes.stdin?.close();
    }
  }

  #wait(leader: Leader, remaining: number): void {
    let count = 0;
    this.#waits[count++] = leader.process.value;
    const events = [
      this.#stdin?.waitable ?? 0n,
      this.#stdout?.waitable ?? 0n,
      this.#stderr?.waitable ?? 0n,
    ];
    for (let i = 0; i < 3; i++) {
      const event = events[i] as bigint;
      if (event !== 0n) this.#waits[count++] = event;
    }
    const ms = Math.min(Math.ceil(remaining), INFINITE);
    io_().WaitForMultipleObjects(count, this.#waits, 0, ms);
  }

  /**
   * Takes what is still in the pipes without waiting, and closes them: whoever
   * else may hold their other end is not waited for.
   *
   * @param io The receivers.
   */
  drain(io: SyncIo): void {
    this.#stdin?.close();
    this.#stdout?.drain(io.stdout);
    this.#stderr?.drain(io.stderr);
    this.#pipes.stdin?.close();
    this.#pipes.stdout?.close();
    this.#pipes.stderr?.close();
  }
}
