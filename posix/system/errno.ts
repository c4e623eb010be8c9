/**
 * Error numbers: their names, and what each becomes for the caller.
 *
 * Sources: errno(3), `asm-generic/errno*.h` (Linux), `<sys/errno.h>` (macOS).
 *
 * @module
 */

import { systemError } from "../../backend/errors.ts";

const COMMON: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  4: "EINTR",
  5: "EIO",
  7: "E2BIG",
  8: "ENOEXEC",
  9: "EBADF",
  10: "ECHILD",
  12: "ENOMEM",
  13: "EACCES",
  14: "EFAULT",
  16: "EBUSY",
  17: "EEXIST",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  25: "ENOTTY",
  26: "ETXTBSY",
  27: "EFBIG",
  28: "ENOSPC",
  29: "ESPIPE",
  30: "EROFS",
  32: "EPIPE",
};
const LINUX: Readonly<Record<number, string>> = {
  11: "EAGAIN",
  36: "ENAMETOOLONG",
  38: "ENOSYS",
  40: "ELOOP",
  88: "ENOTSOCK",
  95: "EOPNOTSUPP",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
};
const DARWIN: Readonly<Record<number, string>> = {
  35: "EAGAIN",
  38: "ENOTSOCK",
  45: "ENOTSUP",
  47: "EAFNOSUPPORT",
  48: "EADDRINUSE",
  49: "EADDRNOTAVAIL",
  62: "ELOOP",
  63: "ENAMETOOLONG",
  78: "ENOSYS",
};

/** EPERM: exists, but not ours to touch. */
export const EPERM = 1;
/** ENOENT: no such file. */
export const ENOENT = 2;
/** ESRCH: no such process. */
export const ESRCH = 3;
/** EINTR: a signal came first. */
export const EINTR = 4;
/** ENOEXEC: not a format the kernel can execute. */
export const ENOEXEC = 8;
/** EBADF: not an open descriptor. */
export const EBADF = 9;
/** ECHILD: no such child, or other code of this process reaped it. */
export const ECHILD = 10;
/** EACCES: permission denied. */
export const EACCES = 13;
/** ENOTDIR: a part of the path is no directory. */
export const ENOTDIR = 20;
/** EISDIR: a directory where a file is needed. */
export const EISDIR = 21;
/** Invalid argument. */
export const EINVAL = 22;
/** ENFILE: the system has no descriptor left. */
export const ENFILE = 23;
/** EMFILE: this process has no descriptor left. */
export const EMFILE = 24;
/** EPIPE: the pipe has no reader any more. */
export const EPIPE = 32;

/**
 * The number of EAGAIN.
 *
 * @param os The operating system.
 * @returns 35 on macOS, 11 elsewhere.
 */
export function eagain(os: string): number {
  return os === "darwin" ? 35 : 11;
}

/**
 * The name of an error number.
 *
 * @param errno The number.
 * @param os The operating system whose number it is.
 * @returns The name, or `errno N` for one that is not listed.
 */
export function errnoName(errno: number, os: string = Deno.build.os): string {
  const own = os === "darwin" ? DARWIN : LINUX;
  return COMMON[errno] ?? own[errno] ?? `errno ${errno}`;
}

const MEANINGS: Readonly<Record<string, string>> = {
  EPERM: "Operation not permitted",
  ENOENT: "No such file or directory",
  ESRCH: "No such process",
  EIO: "Input/output error",
  E2BIG: "Argument list too long",
  ENOEXEC: "Exec format error",
  EBADF: "Bad file descriptor",
  EAGAIN:
    "Resource temporarily unavailable: the limit on processes ('ulimit -u') is reached",
  ENOMEM: "Cannot allocate memory",
  EACCES: "Permission denied",
  ENOTDIR: "Not a directory",
  EISDIR: "Is a directory",
  EINVAL: "Invalid argument",
  ENFILE: "Too many open files in system",
  EMFILE:
    "Too many open files: the limit on descriptors ('ulimit -n') is reached",
  ETXTBSY: "Text file busy",
  EPIPE: "Broken pipe",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
  ENOSYS: "Function not implemented",
  ENOTSOCK: "Socket operation on non-socket",
  EAFNOSUPPORT: "Address family not supported by protocol",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
};

/**
 * The meaning of an error number, in words.
 *
 * @param errno The number.
 * @returns A clause such as `Permission denied (os error 13)`, as Rust and Deno word it.
 */
export function errnoMeaning(errno: number): string {
  const name = errnoName(errno);
  return `${MEANINGS[name] ?? name} (os error ${errno})`;
}

type ErrorClass = new (message?: string, options?: ErrorOptions) => Error;

// The classes that Deno gives the same errors.
function errorClass(name: string): ErrorClass | null {
  switch (name) {
    case "ENOENT":
    case "ESRCH":
      return Deno.errors.NotFound;
    case "EACCES":
    case "EPERM":
      return Deno.errors.PermissionDenied;
    case "EADDRINUSE":
      return Deno.errors.AddrInUse;
    case "EADDRNOTAVAIL":
      return Deno.errors.AddrNotAvailable;
    case "EBADF":
      return Deno.errors.BadResource;
    case "EAGAIN":
      return Deno.errors.WouldBlock;
    case "EPIPE":
      return Deno.errors.BrokenPipe;
    case "ENOTDIR":
      return Deno.errors.NotADirectory;
    case "EISDIR":
      return Deno.errors.IsADirectory;
    case "ELOOP":
      return Deno.errors.FilesystemLoop;
    case "ETXTBSY":
      return Deno.errors.Busy;
    default:
      return null;
  }
}

/** The parts of a message besides the number. */
export interface PosixErrorContext {
  /** The sentence; made from call and number when left out. */
  readonly message?: string;
  /** The program that was to be started. */
  readonly command?: string;
  /** The process the call was about. */
  readonly pid?: number;
}

/**
 * The error for a failed call.
 *
 * @param syscall The call.
 * @param errno Its error number.
 * @param context Message, command, pid.
 * @returns The error, to be thrown: of Deno's class for this number, with the details.
 */
export function posixError(
  syscall: string,
  errno: number,
  context: PosixErrorContext = {},
): Error {
  const code = errnoName(errno);
  const message = context.message ??
    `${syscall} failed: ${errnoMeaning(errno)}`;
  return systemError(errorClass(code), message, {
    code,
    errno,
    syscall,
    ...(context.command === undefined ? {} : { command: context.command }),
    ...(context.pid === undefined ? {} : { pid: context.pid }),
  });
}
