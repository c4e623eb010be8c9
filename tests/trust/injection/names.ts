// deno-lint-ignore-file camelcase -- the names of the C library
/**
 * Names of calls, and the errors that each of them has by its man page where it
 * is used here.
 *
 * @module
 */

const ARM64 = Deno.build.arch === "aarch64";

// <asm/unistd.h>
const SYSTEM_CALLS: Readonly<Record<string, string>> = {
  [ARM64 ? 148 : 118]: "getresuid",
  [ARM64 ? 150 : 120]: "getresgid",
  [ARM64 ? 147 : 117]: "setresuid",
  [ARM64 ? 149 : 119]: "setresgid",
  [ARM64 ? 158 : 115]: "getgroups",
  [ARM64 ? 159 : 116]: "setgroups",
  424: "pidfd_send_signal",
  434: "pidfd_open",
};

const COMMANDS: Readonly<Record<string, string>> = {
  4: "F_SETFL",
  1030: "F_DUPFD_CLOEXEC",
  1031: "F_SETPIPE_SZ",
};

/** The name under which a call is counted: one for each system call and command. */
export function bySystemCall(symbol: string, args: readonly unknown[]): string {
  switch (symbol) {
    case "syscall":
      return SYSTEM_CALLS[String(args[0])] ?? `syscall ${args[0]}`;
    case "fcntl":
      return `fcntl ${COMMANDS[String(args[1])] ?? args[1]}`;
    case "prlimit":
      return args[2] === null ? "prlimit get" : "prlimit set";
    case "epoll_ctl":
      return `epoll_ctl ${["", "ADD", "DEL", "MOD"][args[1] as number]}`;
    default:
      return symbol;
  }
}

/** Error numbers of Linux (errno(3)). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  ENOSPC: 28,
  EROFS: 30,
  EPIPE: 32,
  ENOSYS: 38,
  EADDRINUSE: 98,
  ENOBUFS: 105,
  // <netdb.h>: what getaddrinfo(3) returns.
  EAI_AGAIN: -3,
} as const;

/** The name of an error. */
export type Errno = keyof typeof ERRNO;

const DESCRIPTORS: readonly Errno[] = ["EMFILE", "ENFILE", "ENOMEM"];

const FAILURES: Readonly<Record<string, readonly Errno[]>> = {
  posix_spawn: ["EAGAIN", "ENOMEM", "EACCES", "ENOENT", "E2BIG", "EPERM"],
  posix_spawn_file_actions_init: ["ENOMEM"],
  posix_spawn_file_actions_adddup2: ["ENOMEM", "EBADF"],
  posix_spawn_file_actions_addopen: ["ENOMEM", "EBADF"],
  posix_spawn_file_actions_addchdir_np: ["ENOMEM"],
  posix_spawn_file_actions_addclosefrom_np: ["ENOMEM"],
  posix_spawnattr_init: ["ENOMEM"],
  posix_spawnattr_setflags: ["EINVAL"],
  posix_spawnattr_setpgroup: ["EINVAL"],
  posix_spawnattr_setsigdefault: ["EINVAL"],
  posix_spawnattr_setsigmask: ["EINVAL"],
  posix_spawnattr_setcgroup_np: ["EINVAL"],
  // ECHILD of waitid would mean a child that has ended: see races_test.ts.
  waitid: ["EINTR"],
  wait4: ["ECHILD"],
  // ESRCH of a process that is there would be a lie of the kernel's.
  kill: ["EPERM"],
  killpg: ["EPERM"],
  access: ["EACCES", "ENOENT", "ENOMEM"],
  // EAGAIN would be an empty pipe: that is no failure.
  read: ["EINTR"],
  write: ["EINTR", "EAGAIN", "EPIPE"],
  close: ["EINTR", "EIO"],
  tcgetpgrp: ["ENOTTY"],
  getpgid: ["EPERM"],
  getcwd: ["ENOENT", "EACCES"],
  poll: ["EINTR", "ENOMEM"],
  pipe2: DESCRIPTORS,
  "fcntl F_DUPFD_CLOEXEC": ["EMFILE"],
  "fcntl F_SETPIPE_SZ": ["EPERM", "EBUSY"],
  "prlimit get": ["EPERM", "ENOSYS"],
  "prlimit set": ["EPERM", "ENOSYS"],
  pidfd_open: ["EMFILE", "ENFILE", "ENOMEM", "ENOSYS", "EPERM"],
  pidfd_send_signal: ["EPERM", "ENOSYS"],
  getresuid: ["EPERM"],
  getresgid: ["EPERM"],
  getgroups: ["EPERM"],
  setresuid: ["EPERM", "EAGAIN"],
  setresgid: ["EPERM"],
  setgroups: ["EPERM", "ENOMEM"],
  prctl: ["EPERM", "EINVAL"],
  open: ["EMFILE", "ENFILE", "ENOMEM", "EACCES", "ENOENT", "EINTR"],
  pread: ["EIO", "EINTR"],
  getdents64: ["ENOMEM", "EIO"],
  readlink: ["EACCES", "ENOENT"],
  epoll_create1: DESCRIPTORS,
  eventfd: DESCRIPTORS,
  "epoll_ctl ADD": ["ENOMEM", "ENOSPC"],
  "epoll_ctl MOD": ["ENOMEM"],
  epoll_wait: ["EINTR"],
  epoll_wait_async: ["EINTR"],
  mkdir: ["EACCES", "EROFS", "ENOSPC", "EEXIST"],
  rmdir: ["EBUSY", "ENOENT"],
  getaddrinfo: ["EAI_AGAIN"],
  socket: ["EMFILE", "ENFILE", "EACCES", "ENOMEM"],
  setsockopt: ["ENOMEM"],
  bind: ["EADDRINUSE", "EACCES"],
  listen: ["EADDRINUSE"],
  getsockname: ["ENOBUFS"],
  posix_openpt: ["EMFILE", "ENFILE", "ENOSPC"],
  grantpt: ["EACCES"],
  unlockpt: ["ENOTTY"],
  ptsname_r: ["ENOTTY"],
  ioctl: ["EIO"],
  setpriority: ["EACCES", "EPERM"],
  sched_setaffinity: ["EINVAL", "EPERM"],
  sched_getaffinity: ["EINVAL"],
};

/** The errors that a call may have; none for one that cannot fail. */
export function failuresOf(call: string): readonly Errno[] {
  return FAILURES[call] ?? [];
}

// Of open(2) and getdents64(2) that would be a /proc that cannot be read: see ../exhaustion. Of
// poll(2), a system that can do nothing at all.
const PASSING: readonly string[] = ["open", "getdents64", "poll"];

/** Whether a call that failed so may go on failing: a refusal, a full table. */
export function mayLast(call: string, errno: Errno): boolean {
  return !PASSING.includes(call) && !isOnce(call) &&
    !["EINTR", "EAGAIN", "EEXIST", "ESRCH"].includes(errno);
}

/**
 * Whether only the first of these can fail: what it has allowed, saved ids for
 * example, allows the others.
 */
export function isOnce(call: string): boolean {
  return call === "setresuid" || call === "setresgid";
}
