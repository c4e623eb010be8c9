/**
 * posix_spawn(3): attributes and file actions.
 *
 * @module
 */

import { buffer } from "../../ffi/library.ts";
import { cString } from "../../ffi/memory.ts";
import { posixError } from "./errno.ts";
import { aboveStdio, isOpen } from "./file_system.ts";
import { keep, type Kept } from "./isolate_end.ts";
import { DARWIN, libc, libcCgroup, libcDarwin, libcLinux } from "./libc.ts";

// glibc x64 and arm64: posix_spawnattr_t 336 bytes, file_actions_t 80. macOS:
// one pointer each. One size serves all.
const ATTRIBUTES_SIZE = 336;
const FILE_ACTIONS_SIZE = 80;
const SIGSET_SIZE = 128;

const SETPGROUP = 0x02;
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETCGROUP = 0x100;
const SETSID = DARWIN ? 0x400 : 0x80;
// Every descriptor without a file action is closed in the child: macOS has no
// pipe2, so close-on-exec cannot be set atomically there (libuv process.c).
const CLOEXEC_DEFAULT = DARWIN ? 0x4000 : 0;
const START_SUSPENDED = DARWIN ? 0x80 : 0;

const O_RDWR = 2;
const O_RDWR_CLOEXEC = 0x80002;

/** How the child is set up before exec. */
export interface AttributeChoice {
  /** Its own process group, its own session (and with it a group), or ours. */
  readonly group: "own" | "session" | "inherit";
  /** macOS: created stopped. */
  readonly suspended: boolean;
  /** Linux with glibc 2.39: directory descriptor of the cgroup to be born in, or -1. */
  readonly cgroup: number;
}

const made = new Map<number, Uint8Array<ArrayBuffer>>();

/**
 * The attributes for a choice. Made once for each and kept: posix_spawn only
 * reads them.
 *
 * All signals get their default action and none is blocked: Deno ignores
 * SIGPIPE, and a parent started in the background of a shell ignores SIGINT,
 * which would make the child deaf to a stop.
 */
export function attributes(choice: AttributeChoice): Uint8Array<ArrayBuffer> {
  let flags = SETSIGDEF | SETSIGMASK | CLOEXEC_DEFAULT;
  if (choice.group === "own") flags |= SETPGROUP;
  if (choice.group === "session") flags |= SETSID;
  if (choice.suspended) flags |= START_SUSPENDED;
  const known = made.get(flags);
  if (known !== undefined && choice.cgroup < 0) return known;
  if (choice.cgroup >= 0) flags |= SETCGROUP;
  const c = libc();
  const attr = buffer(ATTRIBUTES_SIZE);
  c.posix_spawnattr_init(attr);
  c.posix_spawnattr_setflags(attr, flags);
  c.posix_spawnattr_setpgroup(attr, 0);
  c.posix_spawnattr_setsigdefault(attr, allSignals());
  c.posix_spawnattr_setsigmask(attr, buffer(SIGSET_SIZE));
  if (choice.cgroup >= 0) {
    libcCgroup().posix_spawnattr_setcgroup_np?.(attr, choice.cgroup);
  } else made.set(flags, attr);
  return attr;
}

// Signal n is bit n - 1. SIGKILL (9) and SIGSTOP (19; 17 on macOS) have no
// other action than the default, and macOS refuses a set that names them.
function allSignals(): Uint8Array<ArrayBuffer> {
  const set = buffer(SIGSET_SIZE).fill(0xff);
  set[1] = 0xff & ~1;
  set[2] = 0xff & ~(DARWIN ? 1 : 4);
  return set;
}

/** The source of one descriptor of the child: a copy of ours, /dev/null, or the same as ours. */
export type DescriptorSource = number | "null" | "inherit";

const DEV_NULL = cString("/dev/null");

const nullDevice: Kept = { fd: -1 };

// Kept open: that the child copies it three times takes 8 µs less than that it
// opens it three times, and this process waits for that. -1: it cannot be had.
function openNullDevice(): number {
  if (nullDevice.fd < 0 && !DARWIN) {
    const fd = libcLinux().open(DEV_NULL, O_RDWR_CLOEXEC, 0);
    if (fd >= 0) {
      nullDevice.fd = aboveStdio(fd);
      keep(nullDevice);
    }
  }
  return nullDevice.fd;
}

/** File actions under construction; `using` destroys them. */
export class FileActions implements Disposable {
  /** The structure, for posix_spawn. */
  readonly bytes: Uint8Array<ArrayBuffer> = buffer(FILE_ACTIONS_SIZE);

  /** Whether it is kept for further spawns, and not destroyed. */
  readonly shared: boolean;

  /** @param shared Whether it is kept for further spawns, and not destroyed. */
  constructor(shared: boolean = false) {
    this.shared = shared;
    check(
      "posix_spawn_file_actions_init",
      libc().posix_spawn_file_actions_init(this.bytes),
    );
  }

  /** Descriptor `target` of the child becomes a copy of ours, or /dev/null. */
  descriptor(target: number, source: DescriptorSource): void {
    const c = libc();
    if (source === "inherit") {
      // One that is closed here is closed in the child; named, it would fail the
      // spawn.
      if (!DARWIN || !isOpen(target)) return;
      check(
        "posix_spawn_file_actions_addinherit_np",
        libcDarwin().posix_spawn_file_actions_addinherit_np(this.bytes, target),
      );
      return;
    }
    // For the standard streams, which are set first: beyond them, its number may
    // be that of a descriptor of the child, and mean that by now.
    const ours = source === "null" && target <= 2 ? openNullDevice() : source;
    if (typeof ours !== "number" || ours < 0) {
      check(
        "posix_spawn_file_actions_addopen",
        c.posix_spawn_file_actions_addopen(
          this.bytes,
          target,
          DEV_NULL,
          O_RDWR,
          0,
        ),
      );
    } else {
      check(
        "posix_spawn_file_actions_adddup2",
        c.posix_spawn_file_actions_adddup2(this.bytes, ours, target),
      );
    }
  }

  /**
   * The streams of the child are this terminal. The leader of a new session gets it
   * as its controlling terminal by opening it (Linux; tty_ioctl(4)).
   */
  terminal(path: string): void {
    const c = libc();
    const name = cString(path);
    check(
      "posix_spawn_file_actions_addopen",
      c.posix_spawn_file_actions_addopen(this.bytes, 0, name, O_RDWR, 0),
    );
    check(
      "posix_spawn_file_actions_adddup2",
      c.posix_spawn_file_actions_adddup2(this.bytes, 0, 1),
    );
    check(
      "posix_spawn_file_actions_adddup2",
      c.posix_spawn_file_actions_adddup2(this.bytes, 0, 2),
    );
  }

  /** The child starts in this directory. */
  directory(path: string): void {
    const addchdir = libc().posix_spawn_file_actions_addchdir_np;
    if (addchdir === null) {
      throw new Deno.errors.NotSupported(
        "Cannot set 'cwd': this C library has no posix_spawn_file_actions_addchdir_np (glibc 2.29, macOS 10.15)",
      );
    }
    check(
      "posix_spawn_file_actions_addchdir_np",
      addchdir(this.bytes, cString(path)),
    );
  }

  /** A descriptor is closed; one that is not open is none. */
  close(descriptor: number): void {
    check(
      "posix_spawn_file_actions_addclose",
      libc().posix_spawn_file_actions_addclose(this.bytes, descriptor),
    );
  }

  /** Descriptors from `first` on are closed, where the C library can (glibc 2.34). */
  closeFrom(first: number): void {
    // macOS closes them by CLOEXEC_DEFAULT.
    const addclosefrom = libc().posix_spawn_file_actions_addclosefrom_np;
    if (addclosefrom === null) return;
    check(
      "posix_spawn_file_actions_addclosefrom_np",
      addclosefrom(this.bytes, first),
    );
  }

  [Symbol.dispose](): void {
    libc().posix_spawn_file_actions_destroy(this.bytes);
  }
}

// ENOMEM is the only error these functions have for valid descriptors.
function check(call: string, error: number): void {
  if (error !== 0) throw posixError(call, error);
}
