/**
 * The C library of this Linux, which the emulated one is made of.
 *
 * @module
 */

import { errorOfDarwin } from "./numbers.ts";

/** `Deno.dlopen` before it is replaced. */
export const realDlopen = Deno.dlopen;

const I = "i32";
const B = "buffer";
const U = "usize";

/** What the emulation calls. */
export const real = realDlopen(
  "libc.so.6",
  {
    // deno-fmt-ignore
    posix_spawn: { parameters: [B, B, B, B, U, U], result: I },
    posix_spawn_file_actions_init: { parameters: [B], result: I },
    posix_spawn_file_actions_destroy: { parameters: [B], result: I },
    posix_spawn_file_actions_adddup2: { parameters: [B, I, I], result: I },
    posix_spawn_file_actions_addclose: { parameters: [B, I], result: I },
    posix_spawn_file_actions_addopen: {
      parameters: [B, I, B, I, "u32"],
      result: I,
    },
    posix_spawn_file_actions_addchdir_np: { parameters: [B, B], result: I },
    posix_spawnattr_init: { parameters: [B], result: I },
    posix_spawnattr_setflags: { parameters: [B, "i16"], result: I },
    posix_spawnattr_setpgroup: { parameters: [B, I], result: I },
    posix_spawnattr_setsigdefault: { parameters: [B, B], result: I },
    posix_spawnattr_setsigmask: { parameters: [B, B], result: I },
    waitid: { parameters: [I, "u32", B, I], result: I },
    wait4: { parameters: [I, B, I, B], result: I },
    kill: { parameters: [I, I], result: I },
    killpg: { parameters: [I, I], result: I },
    access: { parameters: [B, I], result: I },
    read: { parameters: [I, B, U], result: I },
    write: { parameters: [I, B, U], result: I },
    close: { parameters: [I], result: I },
    getpgrp: { parameters: [], result: I },
    tcgetpgrp: { parameters: [I], result: I },
    tcsetpgrp: { parameters: [I, I], result: I },
    tcgetattr: { parameters: [I, B], result: I },
    tcsetattr: { parameters: [I, I, B], result: I },
    pthread_sigmask: { parameters: [I, B, B], result: I },
    environ: { type: "pointer" },
    getenv: { parameters: [B], result: "pointer" },
    poll: { parameters: [B, U, I], result: I },
    getpgid: { parameters: [I], result: I },
    setpgid: { parameters: [I, I], result: I },
    getcwd: { parameters: [B, U], result: "pointer" },
    realpath: { parameters: [B, B], result: "pointer" },
    ioctl: { parameters: [I, "u64"], result: I },
    getrlimit: { parameters: [I, B], result: I },
    getrusage: { parameters: [I, B], result: I },
    getpagesize: { parameters: [], result: I },
    setpriority: { parameters: [I, "u32", I], result: I },
    open: { parameters: [B, I, I], result: I },
    pread: { parameters: [I, B, U, "i64"], result: I },
    getdents64: { parameters: [I, B, U], result: I },
    fcntl: { parameters: [I, I, "i64"], result: I },
    pipe: { parameters: [B], result: I },
    dup: { parameters: [I], result: I },
    epoll_create1: { parameters: [I], result: I },
    epoll_ctl: { parameters: [I, I, I, B], result: I },
    epoll_wait: { parameters: [I, B, I, I], result: I },
    epoll_wait_async: {
      name: "epoll_wait",
      parameters: [I, B, I, I],
      result: I,
      nonblocking: true,
    },
    eventfd: { parameters: ["u32", I], result: I },
    syscall: { parameters: ["i64", "i64", "i64"], result: "i64" },
    __errno_location: { parameters: [], result: "pointer" },
  } as const,
).symbols;

const realErrno = new Int32Array(
  Deno.UnsafePointerView.getArrayBuffer(
    real.__errno_location() as Deno.PointerObject,
    4,
  ),
);
const darwinErrno = new Int32Array(1);

/** The address that `__error()` gives. */
export function errorLocation(): Deno.PointerValue {
  return Deno.UnsafePointer.of(darwinErrno);
}

/** Sets errno as macOS has it. */
export function fail(darwin: number): number {
  darwinErrno[0] = darwin;
  return -1;
}

/** The result of a call, with its errno taken over. */
export function taken<T>(result: T): T {
  darwinErrno[0] = errorOfDarwin(realErrno[0] as number);
  return result;
}

/** Fails where errno would say so on Linux. */
export function expectNone(result: number, call: string): number {
  if (result < 0) throw new Error(`${call}: errno ${realErrno[0]}`);
  return result;
}
