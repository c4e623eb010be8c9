/**
 * Starting a child as another user: posix_spawn has no attribute for it.
 *
 * On Linux credentials belong to the thread (credentials(7)); the C library's
 * wrappers change all threads, the raw system calls only the calling one. So
 * this thread takes on the child's ids for the moment of the spawn, keeping its
 * own as saved ids, and takes its own back. exec makes the child's saved ids
 * equal to its effective ones (execve(2)): nothing of ours stays in it.
 *
 * @module
 */

import { buffer } from "../ffi/pointer.ts";
import { DARWIN, errno, libcLinux } from "./libc.ts";
import { posixError } from "./errno.ts";

const ARM64 = Deno.build.arch === "aarch64";
const SYS_GETRESUID = ARM64 ? 148n : 118n;
const SYS_GETRESGID = ARM64 ? 150n : 120n;
const SYS_SETRESUID = ARM64 ? 147n : 117n;
const SYS_SETRESGID = ARM64 ? 149n : 119n;
const SYS_GETGROUPS = ARM64 ? 158n : 115n;
const SYS_SETGROUPS = ARM64 ? 159n : 116n;
const SYS_PRCTL = ARM64 ? 167n : 157n;
const PR_GET_DUMPABLE = 3n;
const PR_SET_DUMPABLE = 4n;
const KEEP = -1n;

/** Ids for the child; `null` keeps ours. */
export interface CredentialRequest {
  readonly uid: number | null;
  readonly gid: number | null;
  /** Supplementary groups; `null`: none when root changes ids, else ours. */
  readonly groups: readonly number[] | null;
  readonly command: string;
}

function call(
  number: bigint,
  a: bigint,
  b: bigint,
  c: bigint,
): number {
  return Number(libcLinux().syscall(number, a, b, c, 0n)) < 0 ? errno() : 0;
}

function addressOf(view: Uint32Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(view));
}

// Effective user and group id of this thread.
function effective(number: bigint): number {
  const ids = new Uint32Array(3);
  const base = addressOf(ids);
  call(number, base, base + 4n, base + 8n);
  return ids[1] as number;
}

function ownGroups(): Uint32Array<ArrayBuffer> {
  const groups = new Uint32Array(buffer(65536 * 4).buffer);
  const n = Number(
    libcLinux().syscall(SYS_GETGROUPS, 65536n, addressOf(groups), 0n, 0n),
  );
  return groups.slice(0, Math.max(n, 0));
}

/**
 * Runs `spawn` with this thread's credentials changed.
 *
 * Nothing asynchronous may happen in it: another task of this isolate would run
 * as the other user.
 *
 * @param request The child's ids.
 * @param spawn Starts the child.
 * @returns What `spawn` returned.
 * @throws {Deno.errors.PermissionDenied} when this process may not become that user.
 */
export function withCredentials<T>(
  request: CredentialRequest,
  spawn: () => T,
): T {
  const { groups: wanted } = request;
  const changesIds = request.uid !== null || request.gid !== null;
  if (!changesIds && wanted === null) return spawn();
  if (DARWIN) {
    throw new Deno.errors.NotSupported(
      "Cannot set 'uid', 'gid' or 'groups' on macOS: its credentials are per process, and posix_spawn cannot set them. Run the program through 'sudo -u'",
    );
  }
  const uid = effective(SYS_GETRESUID);
  const gid = effective(SYS_GETRESGID);
  const groups = ownGroups();
  const dumpable = Number(
    libcLinux().syscall(SYS_PRCTL, PR_GET_DUMPABLE, 0n, 0n, 0n),
  );
  let dropped = false;
  try {
    // As Deno does: supplementary groups of root are not handed on.
    if (wanted === null) dropped = uid === 0 && setGroups([]) === 0;
    else dropped = becomeMember(wanted, request);
    if (request.gid !== null) become(SYS_SETRESGID, request.gid, request);
    if (request.uid !== null) become(SYS_SETRESUID, request.uid, request);
    return spawn();
  } finally {
    // In reverse: the user id first, since the others need its privilege.
    restore(SYS_SETRESUID, uid);
    restore(SYS_SETRESGID, gid);
    if (dropped) setGroups(groups);
    // Changing credentials makes the process undumpable (prctl(2)), and with it
    // /proc/self root's.
    if (dumpable === 1) call(SYS_PRCTL, PR_SET_DUMPABLE, 1n, 0n);
  }
}

function setGroups(groups: ArrayLike<number>): number {
  // One element too many: an empty array has no address.
  const ids = new Uint32Array(groups.length + 1);
  for (let i = 0; i < groups.length; i++) ids[i] = groups[i] as number;
  return call(SYS_SETGROUPS, BigInt(groups.length), addressOf(ids), 0n);
}

function becomeMember(
  groups: readonly number[],
  request: CredentialRequest,
): true {
  const error = setGroups(groups);
  if (error === 0) return true;
  throw posixError("setgroups", error, {
    message:
      `Failed to spawn '${request.command}': this process may not choose its supplementary groups (CAP_SETGID)`,
    command: request.command,
  });
}

function become(
  number: bigint,
  id: number,
  request: CredentialRequest,
): void {
  const error = call(number, BigInt(id), BigInt(id), KEEP);
  if (error === 0) return;
  const syscall = number === SYS_SETRESUID ? "setresuid" : "setresgid";
  throw posixError(syscall, error, {
    message:
      `Failed to spawn '${request.command}': this process may not become ${
        number === SYS_SETRESUID ? "user" : "group"
      } ${id}`,
    command: request.command,
  });
}

function restore(number: bigint, id: number): void {
  const error = call(number, BigInt(id), BigInt(id), KEEP);
  // Going on as somebody else would be worse than ending.
  if (error !== 0) {
    throw posixError("setresuid", error, {
      message: "Cannot take back this thread's own user or group id",
    });
  }
}
