/**
 * The C library: every function the POSIX backend binds, in groups that are
 * opened when first needed.
 *
 * `fcntl`, `ioctl`, `mremap` and `syscall` are variadic in C. Bound with fixed parameters they are
 * right on Linux x64 and arm64, and on Intel Macs, where variadic integers travel in
 * the same registers. On Apple arm64 they travel on the stack: what macOS uses here
 * is called without a variadic argument, or as `fcntl_on_stack`.
 *
 * Results of type ssize_t, and of system calls, are bound as 32 bits: nothing here
 * moves 2 GiB at once, and a result of 64 bits is allocated, which may run a
 * collection between the call and the look at errno (its threads set EAGAIN).
 *
 * @module
 */

import { lazyLibrary, type Library } from "../../ffi/library.ts";

const LIBC: readonly string[] = Deno.build.os === "darwin"
  ? ["/usr/lib/libSystem.B.dylib"]
  : [
    "libc.so.6",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
  ];

/** True on macOS; everything else here is Linux. */
export const DARWIN: boolean = Deno.build.os === "darwin";

// pid_t, int, ssize_t: i32. size_t, rlim_t, addresses: usize/u64.
const LIBC_SYMBOLS = {
  // int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *,
  //                 const posix_spawnattr_t *, char *const argv[], char *const envp[])
  posix_spawn: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "usize"],
    result: "i32",
  },
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
  // (fa, int fd, int newfd)
  posix_spawn_file_actions_adddup2: {
    parameters: ["buffer", "i32", "i32"],
    result: "i32",
  },
  // (fa, int fd)
  posix_spawn_file_actions_addclose: {
    parameters: ["buffer", "i32"],
    result: "i32",
  },
  // (fa, int fd, const char *path, int oflag, mode_t mode)
  posix_spawn_file_actions_addopen: {
    parameters: ["buffer", "i32", "buffer", "i32", "u32"],
    result: "i32",
  },
  // (fa, const char *path); glibc >= 2.29, macOS >= 10.15
  posix_spawn_file_actions_addchdir_np: {
    parameters: ["buffer", "buffer"],
    result: "i32",
    optional: true,
  },
  // (fa, int from); glibc >= 2.34
  posix_spawn_file_actions_addclosefrom_np: {
    parameters: ["buffer", "i32"],
    result: "i32",
    optional: true,
  },
  posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
  // (attr, short flags)
  posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
  // (attr, pid_t pgroup)
  posix_spawnattr_setpgroup: { parameters: ["buffer", "i32"], result: "i32" },
  // (attr, const sigset_t *)
  posix_spawnattr_setsigdefault: {
    parameters: ["buffer", "buffer"],
    result: "i32",
  },
  posix_spawnattr_setsigmask: {
    parameters: ["buffer", "buffer"],
    result: "i32",
  },
  // int waitid(idtype_t, id_t, siginfo_t *, int options)
  waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: "i32" },
  // pid_t wait4(pid_t, int *status, int options, struct rusage *)
  wait4: { parameters: ["i32", "buffer", "i32", "buffer"], result: "i32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  access: { parameters: ["buffer", "i32"], result: "i32" },
  // ssize_t read(int, void *, size_t)
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  getpgrp: { parameters: [], result: "i32" },
  tcgetpgrp: { parameters: ["i32"], result: "i32" },
  // char **environ: the symbol is the address of the variable
  environ: { type: "pointer", optional: true },
  // char *getenv(const char *)
  getenv: { parameters: ["buffer"], result: "pointer" },
} as const;

/** Functions that every spawn needs. */
export const libc: Library<typeof LIBC_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_SYMBOLS,
);

const LIBC_WAIT_SYMBOLS = {
  // int poll(struct pollfd *, nfds_t, int timeout)
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  getpgid: { parameters: ["i32"], result: "i32" },
  // int setpgid(pid_t pid, pid_t pgid)
  setpgid: { parameters: ["i32", "i32"], result: "i32" },
  killpg: { parameters: ["i32", "i32"], result: "i32" },
  // char *getcwd(char *, size_t)
  getcwd: { parameters: ["buffer", "usize"], result: "pointer" },
  // char *realpath(const char *path, char *resolved)
  realpath: { parameters: ["buffer", "buffer"], result: "pointer" },
} as const;

/** Functions that a synchronous run and a look at a process need on both systems. */
export const libcWait: Library<typeof LIBC_WAIT_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_WAIT_SYMBOLS,
);

const LIBC_DESCRIPTORS_SYMBOLS = {
  // int ioctl(int, unsigned long request, ...): for requests without an
  // argument, where nothing travels as a variadic one.
  ioctl: { parameters: ["i32", "u64"], result: "i32" },
  // int getrlimit(int resource, struct rlimit *)
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
} as const;

/** Functions for further descriptors of a child on both systems. */
export const libcDescriptors: Library<typeof LIBC_DESCRIPTORS_SYMBOLS> =
  lazyLibrary(
    LIBC,
    LIBC_DESCRIPTORS_SYMBOLS,
  );

const LIBC_SOCKET_SYMBOLS = {
  // int socket(int domain, int type, int protocol)
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // int bind(int, const struct sockaddr *, socklen_t)
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int listen(int, int backlog)
  listen: { parameters: ["i32", "i32"], result: "i32" },
  // int getsockname(int, struct sockaddr *, socklen_t *)
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // int getsockopt(int, int level, int name, void *, socklen_t *)
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  // int setsockopt(int, int level, int name, const void *, socklen_t)
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  // int getaddrinfo(const char *node, const char *service,
  //                 const struct addrinfo *hints, struct addrinfo **)
  getaddrinfo: {
    parameters: ["buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  freeaddrinfo: { parameters: ["pointer"], result: "void" },
  // const char *gai_strerror(int)
  gai_strerror: { parameters: ["i32"], result: "pointer" },
} as const;

/** Listening sockets, on both systems. */
export const libcSocket: Library<typeof LIBC_SOCKET_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_SOCKET_SYMBOLS,
);

const LIBC_LINUX_SYMBOLS = {
  // int pipe2(int[2], int flags)
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  // int fcntl(int, int, long)
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
  // int prlimit(pid_t, int resource, const struct rlimit *, struct rlimit *)
  prlimit: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  // long syscall(SYS_pidfd_open, pid_t, unsigned flags): the kernel takes 32 bits
  // of each
  pidfd_open: {
    name: "syscall",
    parameters: ["i32", "i32", "u32"],
    result: "i32",
  },
  // long syscall(long number, ...)
  syscall: {
    parameters: ["i64", "i64", "i64", "i64", "i64"],
    result: "i32",
  },
  // long syscall(SYS_sched_setattr, pid_t, struct sched_attr *, unsigned flags):
  // glibc has a function of that name only since 2.41
  sched_setattr: {
    name: "syscall",
    parameters: ["i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  // long syscall(SYS_sched_getattr, pid_t, struct sched_attr *, unsigned size,
  // unsigned flags)
  sched_getattr: {
    name: "syscall",
    parameters: ["i32", "i32", "buffer", "u32", "u32"],
    result: "i32",
  },
  getsid: { parameters: ["i32"], result: "i32" },
  // ssize_t pwrite(int, const void *, size_t, off_t)
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  // int prctl(int op, ...): all four of these, since some must be 0
  prctl: { parameters: ["i32", "i64", "i64", "i64", "i64"], result: "i32" },
  // int open(const char *, int, mode_t)
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  // ssize_t pread(int, void *, size_t, off_t)
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  // ssize_t getdents64(int, void *, size_t): glibc >= 2.30
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  // ssize_t readlink(const char *, char *, size_t)
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  // int epoll_ctl(int epfd, int op, int fd, struct epoll_event *)
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // int epoll_wait(int, struct epoll_event *, int max, int timeout)
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  // The same function on a thread of the pool: the one call that may be pending.
  epoll_wait_async: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
} as const;

/** Linux only. */
export const libcLinux: Library<typeof LIBC_LINUX_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_LINUX_SYMBOLS,
);

const LIBC_USAGE_SYMBOLS = {
  getpagesize: { parameters: [], result: "i32" },
  // int getrusage(int who, struct rusage *)
  getrusage: { parameters: ["i32", "buffer"], result: "i32" },
  access: { parameters: ["buffer", "i32"], result: "i32" },
  // kern_return_t mach_timebase_info(struct { uint32_t numer, denom; } *); macOS
  mach_timebase_info: {
    parameters: ["buffer"],
    result: "i32",
    optional: true,
  },
} as const;

/** For a look at what processes use. */
export const libcUsage: Library<typeof LIBC_USAGE_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_USAGE_SYMBOLS,
);

const LIBC_MEMORY_SYMBOLS = {
  getpagesize: { parameters: [], result: "i32" },
  // int madvise(void *, size_t, int advice)
  madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
  // void *mremap(void *old, size_t old_size, size_t size, int flags, ... void *new)
  mremap: {
    parameters: ["usize", "usize", "usize", "i32", "usize"],
    result: "isize",
  },
  // void *mmap(void *, size_t, int prot, int flags, int fd, off_t)
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "isize",
  },
} as const;

/** Linux only: pages of large arrays. */
export const libcMemory: Library<typeof LIBC_MEMORY_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_MEMORY_SYMBOLS,
);

const LIBC_JOB_CONTROL_SYMBOLS = {
  // int setpriority(int which, id_t who, int nice)
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
  // int open(const char *, int, ...): without O_CREAT there is no third argument
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // int tcsetpgrp(int, pid_t)
  tcsetpgrp: { parameters: ["i32", "i32"], result: "i32" },
  // int tcgetattr(int, struct termios *)
  tcgetattr: { parameters: ["i32", "buffer"], result: "i32" },
  // int tcsetattr(int, int actions, const struct termios *)
  tcsetattr: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  // int pthread_sigmask(int how, const sigset_t *, sigset_t *old)
  pthread_sigmask: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
} as const;

/** Priority and terminal, on both systems. */
export const libcJobControl: Library<typeof LIBC_JOB_CONTROL_SYMBOLS> =
  lazyLibrary(
    LIBC,
    LIBC_JOB_CONTROL_SYMBOLS,
  );

const LIBC_TERMINAL_SYMBOLS = {
  // int sched_setaffinity(pid_t, size_t, const cpu_set_t *)
  sched_setaffinity: {
    parameters: ["i32", "usize", "buffer"],
    result: "i32",
  },
  sched_getaffinity: {
    parameters: ["i32", "usize", "buffer"],
    result: "i32",
  },
  posix_openpt: { parameters: ["i32"], result: "i32" },
  grantpt: { parameters: ["i32"], result: "i32" },
  unlockpt: { parameters: ["i32"], result: "i32" },
  // int ptsname_r(int, char *, size_t)
  ptsname_r: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  // int ioctl(int, unsigned long, void *)
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
} as const;

/** Linux only: CPUs and pseudo-terminals. */
export const libcTerminal: Library<typeof LIBC_TERMINAL_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_TERMINAL_SYMBOLS,
);

const LIBC_LAUNCHER_SYMBOLS = {
  // int memfd_create(const char *, unsigned flags): glibc >= 2.27
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
} as const;

/** Linux only: the program that makes system calls in a child. */
export const libcLauncher: Library<typeof LIBC_LAUNCHER_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_LAUNCHER_SYMBOLS,
);

const LIBC_FILES_SYMBOLS = {
  // long syscall(SYS_newfstatat, int dirfd, const char *, struct stat *, int flags):
  // glibc exports no stat() before 2.33
  newfstatat: {
    name: "syscall",
    parameters: ["i64", "i64", "buffer", "buffer", "i64"],
    result: "i32",
  },
} as const;

/** Linux only: kinds of files. */
export const libcFiles: Library<typeof LIBC_FILES_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_FILES_SYMBOLS,
);

const LIBC_CGROUP_SYMBOLS = {
  // int posix_spawnattr_setcgroup_np(posix_spawnattr_t *, int fd); glibc >= 2.39
  posix_spawnattr_setcgroup_np: {
    parameters: ["buffer", "i32"],
    result: "i32",
    optional: true,
  },
  // int mkdir(const char *, mode_t)
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  rmdir: { parameters: ["buffer"], result: "i32" },
  // int open(const char *, int, mode_t)
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
} as const;

/** Linux only, for containment by cgroup. */
export const libcCgroup: Library<typeof LIBC_CGROUP_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_CGROUP_SYMBOLS,
);

const LIBC_THREAD_SYMBOLS = {
  // int close(int): its address, for the C library to call
  close: { type: "pointer" },
  // int __cxa_thread_atexit_impl(void (*)(void *), void *, void *dso); glibc >= 2.18
  __cxa_thread_atexit_impl: {
    parameters: ["usize", "usize", "usize"],
    result: "i32",
    optional: true,
  },
  // void _tlv_atexit(void (*)(void *), void *); macOS
  _tlv_atexit: {
    parameters: ["usize", "usize"],
    result: "void",
    optional: true,
  },
  // int pthread_key_create(pthread_key_t *, void (*)(void *))
  pthread_key_create: { parameters: ["buffer", "usize"], result: "i32" },
  // int pthread_setspecific(pthread_key_t, const void *)
  pthread_setspecific: { parameters: ["u64", "usize"], result: "i32" },
  // int dup2(int, int)
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  // int dup3(int, int, int flags); Linux
  dup3: {
    parameters: ["i32", "i32", "i32"],
    result: "i32",
    optional: true,
  },
} as const;

/** The end of a thread, for workers. */
export const libcThread: Library<typeof LIBC_THREAD_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_THREAD_SYMBOLS,
);

const LIBC_DARWIN_SYMBOLS = {
  // int fcntl(int, int, ...): on Intel
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
  // The same on Apple arm64, where a variadic argument is in a slot of 8 bytes on
  // the stack even while registers are free ("Writing ARM64 code for Apple
  // platforms"): six that fill the registers, which fcntl never reads, put the
  // last one there.
  fcntl_on_stack: {
    name: "fcntl",
    // deno-fmt-ignore
    parameters: ["i32", "i32", "i64", "i64", "i64", "i64", "i64", "i64", "i64"],
    result: "i32",
  },
  pipe: { parameters: ["buffer"], result: "i32" },
  dup: { parameters: ["i32"], result: "i32" },
  // int open(const char *, int): without O_CREAT nothing variadic is read
  open: { parameters: ["buffer", "i32"], result: "i32" },
  kqueue: { parameters: [], result: "i32" },
  // int kevent(int kq, const struct kevent *changes, int n, struct kevent *events, int n, const struct timespec *)
  kevent: {
    parameters: ["i32", "buffer", "i32", "buffer", "i32", "buffer"],
    result: "i32",
  },
  kevent_async: {
    name: "kevent",
    parameters: ["i32", "buffer", "i32", "buffer", "i32", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  // int proc_listallpids(void *buffer, int bytes)
  proc_listallpids: { parameters: ["buffer", "i32"], result: "i32" },
  // int proc_pidinfo(int pid, int flavor, uint64_t arg, void *buffer, int bytes)
  proc_pidinfo: {
    parameters: ["i32", "i32", "u64", "buffer", "i32"],
    result: "i32",
  },
  // int sysctl(int *name, u_int namelen, void *old, size_t *oldlen, void *new, size_t newlen)
  sysctl: {
    parameters: ["buffer", "u32", "buffer", "buffer", "buffer", "usize"],
    result: "i32",
  },
  // (fa, int fd): keeps a descriptor that CLOEXEC_DEFAULT would close
  posix_spawn_file_actions_addinherit_np: {
    parameters: ["buffer", "i32"],
    result: "i32",
  },
} as const;

/** macOS only. */
export const libcDarwin: Library<typeof LIBC_DARWIN_SYMBOLS> = lazyLibrary(
  LIBC,
  LIBC_DARWIN_SYMBOLS,
);

const ERRNO_LIBRARY_SYMBOLS = {
  [DARWIN ? "__error" : "__errno_location"]: {
    parameters: [],
    result: "pointer",
  },
} as const;

const errnoLibrary: Library<typeof ERRNO_LIBRARY_SYMBOLS> = lazyLibrary(
  LIBC,
  ERRNO_LIBRARY_SYMBOLS,
);

let cell: Int32Array | null = null;

/**
 * Binds this thread's errno. Must have run before {@linkcode errno} is used:
 * opening the library inside a read would itself change errno.
 */
export function bindErrno(): void {
  if (cell !== null) return;
  const symbols = errnoLibrary() as Record<string, () => Deno.PointerValue>;
  const locate = (symbols["__error"] ?? symbols["__errno_location"]) as () =>
    Deno.PointerValue;
  // The address is constant for a thread, and an isolate stays on its thread.
  const pointer = locate() as Deno.PointerObject;
  cell = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(pointer, 4));
}

/**
 * errno of the last synchronous call on this thread. Right only in the
 * expression behind the call: another call changes it, and an allocation may.
 *
 * @returns The error number.
 */
export function errno(): number {
  return (cell as Int32Array)[0] as number;
}
