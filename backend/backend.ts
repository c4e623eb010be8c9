/**
 * The interface that both backends implement, and nothing else that depends on
 * an operating system. Data flows one way: options → {@linkcode SpawnSpec} →
 * {@linkcode Backend.spawn} → {@linkcode NativeProcess} → the public objects.
 * A native process reports events up through callbacks; no lower layer holds a
 * reference to an upper one.
 *
 * @module
 */

import type { SocketAddress } from "../ffi/socket_address.ts";
import type { Capabilities, Explanation, ProcessInfo } from "./containment.ts";
import type { LimitName } from "./usage.ts";
import type { NativeJob, NativeProcess, NativeTree } from "./native.ts";
import type { SpawnSpec } from "./spec.ts";

/**
 * A pipe from one child to another. This process holds the ends only until both
 * children were started: else the reader would wait for our end of file, and the
 * writer would not learn that its reader is gone.
 */
export interface ChildPipe {
  /** The end that is read, for {@linkcode SpawnSpec.stdin}. */
  readonly reading: number;
  /** The end that is written, for {@linkcode SpawnSpec.stdout}. */
  readonly writing: number;
  /** Closes our copy of the end that is read. Idempotent. */
  closeReading(): void;
  /** Closes our copy of the end that is written. Idempotent. */
  closeWriting(): void;
}

/** A validated request for a listening socket; the permission was asked for. */
export interface ListenRequest {
  /** Host name or IP address without brackets; unused for a path. */
  readonly hostname: string;
  /** Port, 0 for a free one; unused for a path. */
  readonly port: number;
  /** Path of a Unix socket, or `null` for TCP. */
  readonly path: string | null;
  /** How many connections may wait to be accepted. */
  readonly backlog: number;
  /** Whether other sockets may listen on the same port. */
  readonly reusePort: boolean;
  /**
   * Called with the address that the name stands for, before anything is opened:
   * throws when it may not be listened on.
   */
  readonly resolved: (hostname: string) => void;
}

/** A listening socket. */
export interface NativeListener {
  /** The descriptor; on Windows the SOCKET. */
  readonly fd: number;
  /** Where it listens. */
  readonly address: SocketAddress;
  /** Closes it. Called once. */
  close(): void;
}

/** One operating system's way to do all of it. */
export interface Backend {
  /** Which backend this is. */
  readonly name: "posix" | "windows";
  /** Numbers of the signals this OS knows, by name. */
  readonly signals: Readonly<Record<string, number>>;
  /** The limits this OS has, or that can be watched here. */
  readonly limits: readonly LimitName[];
  /** Memory for the output of children. */
  readonly memory: BulkMemory;
  /** Starts a program. Throws with nothing spawned and nothing leaked. */
  spawn(spec: SpawnSpec): NativeProcess;
  /**
   * A job without members. Holds nothing of the system until it has one.
   *
   * @param killOnParentExit Whether it ends when this process does.
   */
  createJob(killOnParentExit: boolean): NativeJob;
  /** A pipe from one child to another. */
  openChildPipe(): ChildPipe;
  /**
   * The tree under a process that this library did not start.
   *
   * @throws {RangeError} for this process, its ancestors, and pids of 1 or less.
   * @throws {Deno.errors.NotFound} when there is no such process.
   */
  openTree(pid: number): NativeTree;
  /**
   * Explains why a process still lives.
   *
   * @param signals Those that it was to end by; all that are sent to end a program.
   * @returns The facts and the reasons; `null` when there is no such process.
   * @throws {Deno.errors.NotSupported} on Windows.
   */
  explain(pid: number, signals?: readonly string[]): Explanation | null;
  /** The living children of this process, without those that serve this package. */
  children(): ProcessInfo[];
  /**
   * Opens a listening socket that only the children it is given to inherit.
   *
   * @throws {Deno.errors.AddrInUse} when another socket listens there.
   */
  listen(request: ListenRequest): NativeListener;
  /**
   * Takes over a listening socket that this process was started with.
   *
   * @throws {Deno.errors.BadResource} when it is not open, or does not listen.
   */
  adoptListener(fd: number): NativeListener;
  /**
   * The processes that listen on a TCP port.
   *
   * @param among The processes that are looked at.
   * @returns `null` where the system does not tell, or nothing listens.
   */
  portHolders(
    port: number,
    among: readonly number[] | "all",
  ): readonly ProcessInfo[] | null;
  /** The path of the shell that every installation of the system has. */
  shell(): string;
  /**
   * Whether a path leads to a device, into the kernel, or elsewhere where Deno
   * wants all permissions.
   *
   * @param reads Whether it is to be read, and not written.
   */
  isSpecialFile(path: string, reads: boolean): boolean;
  /**
   * The directory to ask Deno with where a permission broker decides
   * (DENO_PERMISSION_BROKER_PATH): one that cannot exist. `null` without a broker.
   */
  permissionBroker(): string | null;
  /** Whether opening a path may wait for another process: a FIFO. */
  isFifo(path: string): boolean;
  /** What this host can guarantee, without starting anything. */
  capabilities(): Capabilities;
}

let chosen: Backend | null = null;
let choose: (() => Backend) | null = null;

/** Says how the backend is found; `mod.ts` calls it, with one expression. */
export function provideBackend(factory: () => Backend): void {
  choose = factory;
}

/** The backend of this operating system, made on first use. */
export function backend(): Backend {
  if (chosen === null) {
    if (choose === null) throw new Error("No backend: import mod.ts");
    chosen = choose();
  }
  return chosen;
}

// Memory for large data that is written once: the output of a child.

/** How large arrays are written, and put together. */
export interface BulkMemory {
  /**
   * Announces that bytes will be written: the system prepares the memory more
   * cheaply in one go.
   *
   * @param part A part of an array of zeros, not written to yet.
   */
  willWrite(part: Uint8Array<ArrayBuffer>): void;
  /**
   * Moves the bytes of a piece. The contents of the piece are undefined afterwards.
   *
   * @param target Where to.
   * @param at Where in it.
   * @param piece The piece; not of the same array.
   */
  move(
    target: Uint8Array<ArrayBuffer>,
    at: number,
    piece: Uint8Array<ArrayBuffer>,
  ): void;
}

/** As the language does it: every byte is copied. */
export const PLAIN_MEMORY: BulkMemory = {
  willWrite: () => {},
  move: (target, at, piece) => target.set(piece, at),
};
