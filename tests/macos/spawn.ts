// deno-lint-ignore-file camelcase -- the names are those of C
/**
 * posix_spawn(3) and wait(2) of macOS:
 *
 * - POSIX_SPAWN_CLOEXEC_DEFAULT closes every descriptor that no file action names;
 * - `addinherit_np` names one, and fails the spawn when it is not open;
 * - POSIX_SPAWN_START_SUSPENDED starts the child stopped, here by a shell that
 *   stops itself and becomes the program;
 * - numbers of signals and layouts of siginfo_t and rusage are those of macOS.
 *
 * @module
 */

import { numbersIn } from "./hidden_proc.ts";
import { errorOfDarwin, openFlagsOfLinux, signalOfDarwin } from "./numbers.ts";
import { real, taken } from "./real_libc.ts";

const SETSID = 0x400;
const CLOEXEC_DEFAULT = 0x4000;
const START_SUSPENDED = 0x80;
const LINUX_SETSID = 0x80;
const SHELL = new TextEncoder().encode("/bin/sh\0");
const STOP_FIRST = 'kill -STOP $$; exec "$0" "$@"';

interface Actions {
  readonly targets: Set<number>;
  readonly closed: Set<number>;
}

const actions = new WeakMap<Uint8Array, Actions>();
const flagsOf = new WeakMap<Uint8Array, number>();

function actionsOf(bytes: Uint8Array): Actions {
  return actions.get(bytes) as Actions;
}

/** The functions for file actions and attributes. */
export const SPAWN_SYMBOLS = {
  posix_spawn_file_actions_init(bytes: Uint8Array): number {
    actions.set(bytes, { targets: new Set(), closed: new Set() });
    return real.posix_spawn_file_actions_init(bytes as BufferSource);
  },
  posix_spawn_file_actions_destroy: real.posix_spawn_file_actions_destroy,
  posix_spawn_file_actions_adddup2(
    bytes: Uint8Array,
    from: number,
    to: number,
  ): number {
    actionsOf(bytes).targets.add(to);
    const add = real.posix_spawn_file_actions_adddup2;
    return errorOfDarwin(add(bytes as BufferSource, from, to));
  },
  posix_spawn_file_actions_addinherit_np(
    bytes: Uint8Array,
    fd: number,
  ): number {
    return SPAWN_SYMBOLS.posix_spawn_file_actions_adddup2(bytes, fd, fd);
  },
  posix_spawn_file_actions_addclose(bytes: Uint8Array, fd: number): number {
    const close = real.posix_spawn_file_actions_addclose;
    return errorOfDarwin(close(bytes as BufferSource, fd));
  },
  posix_spawn_file_actions_addopen(
    bytes: Uint8Array,
    fd: number,
    path: Uint8Array,
    flags: number,
    mode: number,
  ): number {
    actionsOf(bytes).targets.add(fd);
    return errorOfDarwin(real.posix_spawn_file_actions_addopen(
      bytes as BufferSource,
      fd,
      path as BufferSource,
      openFlagsOfLinux(flags),
      mode,
    ));
  },
  posix_spawn_file_actions_addchdir_np:
    real.posix_spawn_file_actions_addchdir_np,
  posix_spawnattr_init: real.posix_spawnattr_init,
  posix_spawnattr_setpgroup: real.posix_spawnattr_setpgroup,
  posix_spawnattr_setsigmask: real.posix_spawnattr_setsigmask,
  posix_spawnattr_setflags(bytes: Uint8Array, flags: number): number {
    flagsOf.set(bytes, flags);
    const own = flags & ~(SETSID | CLOEXEC_DEFAULT | START_SUSPENDED);
    const session = (flags & SETSID) !== 0 ? LINUX_SETSID : 0;
    return real.posix_spawnattr_setflags(bytes as BufferSource, own | session);
  },
  posix_spawnattr_setsigdefault(bytes: Uint8Array, set: Uint8Array): number {
    const KILL = 1 << 8;
    const STOP = 1 << 16;
    const signals = new DataView(set.buffer, set.byteOffset).getUint32(0, true);
    // posix_spawnattr_setsigdefault(3) of macOS.
    if ((signals & (KILL | STOP)) !== 0) return 22;
    const all = new Uint8Array(128).fill(0xff);
    all[1] = 0xfe;
    all[2] = 0xfb;
    return real.posix_spawnattr_setsigdefault(bytes as BufferSource, all);
  },
  posix_spawn(
    pid: Uint8Array,
    path: Uint8Array,
    fileActions: Uint8Array,
    attributes: Uint8Array,
    argv: Uint8Array,
    environment: bigint,
  ): number {
    const flags = flagsOf.get(attributes) ?? 0;
    if ((flags & CLOEXEC_DEFAULT) !== 0) closeOthers(fileActions);
    const suspended = (flags & START_SUSPENDED) !== 0;
    if (suspended && real.access(path as BufferSource, 1) !== 0) return 2;
    const words = suspended ? stoppedFirst(path, argv) : null;
    const list = words?.pointers ?? new BigUint64Array(argv.buffer);
    const error = real.posix_spawn(
      pid as BufferSource,
      (suspended ? SHELL : path) as BufferSource,
      fileActions as BufferSource,
      attributes as BufferSource,
      Deno.UnsafePointer.value(Deno.UnsafePointer.of(list)),
      environment,
    );
    if (error === 0 && suspended) {
      const child = new Int32Array(pid.buffer, pid.byteOffset, 1)[0] as number;
      // WSTOPPED | WNOWAIT: in xnu it never ran.
      real.waitid(1, child, new Uint8Array(128), 2 | 0x100_0000);
    }
    return errorOfDarwin(error);
  },
  waitid(
    type: number,
    id: number,
    siginfo: Uint8Array,
    options: number,
  ): number {
    let linux = options & 0x5;
    if ((options & 8) !== 0) linux |= 2;
    if ((options & 0x10) !== 0) linux |= 8;
    if ((options & 0x20) !== 0) linux |= 0x100_0000;
    const info = new Int32Array(32);
    const rc = real.waitid(type, id, new Uint8Array(info.buffer), linux);
    if (rc !== 0) return taken(rc);
    const told = new Int32Array(siginfo.buffer, siginfo.byteOffset, 32);
    told.fill(0);
    told[0] = signalOfDarwin(info[0] as number);
    told[2] = info[2] as number;
    told[3] = info[4] as number;
    told[5] = info[2] === 1 ? info[6] as number : signalOfDarwin(
      info[6] as number,
    );
    return rc;
  },
  wait4(
    pid: number,
    status: Uint8Array | null,
    options: number,
    usage: Uint8Array | null,
  ): number {
    const rc = taken(
      real.wait4(pid, status as BufferSource, options, usage as BufferSource),
    );
    if (rc <= 0) return rc;
    if (status !== null) {
      const word = new Int32Array(status.buffer, status.byteOffset, 1);
      const value = word[0] as number;
      word[0] = value & ~0x7f | signalOfDarwin(value & 0x7f);
    }
    if (usage !== null) inBytes(usage);
    return rc;
  },
  getrusage(who: number, usage: Uint8Array): number {
    const rc = taken(real.getrusage(who, usage as BufferSource));
    inBytes(usage);
    return rc;
  },
};

// ru_maxrss is in kilobytes on Linux.
function inBytes(usage: Uint8Array): void {
  const longs = new BigInt64Array(usage.buffer, usage.byteOffset, 18);
  longs[4] = (longs[4] as bigint) * 1024n;
}

function closeOthers(bytes: Uint8Array): void {
  const { targets, closed } = actionsOf(bytes);
  for (const fd of numbersIn("/proc/self/fd")) {
    if (targets.has(fd) || closed.has(fd)) continue;
    closed.add(fd);
    real.posix_spawn_file_actions_addclose(bytes as BufferSource, fd);
  }
}

function stoppedFirst(
  path: Uint8Array,
  argv: Uint8Array,
): { pointers: BigUint64Array<ArrayBuffer>; kept: unknown } {
  const kept = ["sh", "-c", STOP_FIRST].map((word) =>
    new TextEncoder().encode(`${word}\0`)
  ).concat([path as Uint8Array<ArrayBuffer>]);
  const theirs = new BigUint64Array(argv.buffer, argv.byteOffset);
  const all = kept.map((word) =>
    Deno.UnsafePointer.value(Deno.UnsafePointer.of(word))
  ).concat([...theirs.subarray(1)]);
  return { pointers: new BigUint64Array(all), kept };
}
