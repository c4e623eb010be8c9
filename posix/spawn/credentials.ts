/**
 * Starting a child as another user: posix_spawn has no attribute for it.
 *
 * On Linux credentials belong to the thread (credentials(7)); the C library's
 * wrappers change all threads, the raw system calls only the calling one. So
 * this thread takes on the child's ids for the moment of the spawn, keeping its
 * own as saved ids, and takes its own back. exec makes the child's saved ids
 * equal to its effective ones (execve(2)): nothing of ours stays in it. Only ambient
 * capabilities would, which the kernel leaves to a thread that has root as a saved id
 * (capabilities(7)): they are cleared as well.
 *
 * @module
 */

import { buffer } from "../../ffi/library.ts";
import { DARWIN, errno, libcLinux } from "../system/libc.ts";
import { EINVAL, EPERM, posixError } from "../system/errno.ts";

const ARM64 = Deno.build.arch === "aarch64";
const SYS_GETRESUID = ARM64 ? 148n : 118n;
const SYS_GETRESGID = ARM64 ? 150n : 120n;
const SYS_SETRESUID = ARM64 ? 147n : 117n;
const SYS_SETRESGID = ARM64 ? 149n : 119n;
const SYS_GETGROUPS = ARM64 ? 158n : 115n;
const SYS_SETGROUPS = ARM64 ? 159n : 116n;
// <linux/prctl.h>
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const PR_CAP_AMBIENT = 47;
const AMBIENT_IS_SET = 1n;
const AMBIENT_RAISE = 2n;
const AMBIENT_CLEAR_ALL = 4n;
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
  return libcLinux().syscall(number, a, b, c, 0n) < 0 ? errno() : 0;
}

function addressOf(view: Uint32Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(view));
}

function control(option: number, a: bigint, b: bigint): number {
  return libcLinux().prctl(option, a, b, 0n, 0n);
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
  const n = libcLinux().syscall(
    SYS_GETGROUPS,
    65536n,
    addressOf(groups),
    0n,
    0n,
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
  const dumpable = control(PR_GET_DUMPABLE, 0n, 0n);
  const changesUser = request.uid !== null && request.uid !== uid;
  const ambient = changesUser ? ambientCapabilities(request) : [];
  let dropped = false;
  try {
    if (wanted === null) dropped = uid === 0 && leaveGroups(request);
    else dropped = becomeMember(wanted, request);
    if (ambient.length > 0) clearAmbient(request);
    if (request.gid !== null) become(SYS_SETRESGID, request.gid, request);
    if (request.uid !== null) become(SYS_SETRESUID, request.uid, request);
    return spawn();
  } finally {
    // In reverse: the user id first, since the others need its privilege.
    restore(SYS_SETRESUID, uid);
    restore(SYS_SETRESGID, gid);
    if (dropped) setGroups(groups);
    for (let i = 0; i < ambient.length; i++) {
      control(PR_CAP_AMBIENT, AMBIENT_RAISE, ambient[i] as bigint);
    }
    // Changing credentials makes the process undumpable (prctl(2)), and with it
    // /proc/self root's.
    if (dumpable === 1) control(PR_SET_DUMPABLE, 1n, 0n);
  }
}

function setGroups(groups: ArrayLike<number>): number {
  // One element too many: an empty array has no address.
  const ids = new Uint32Array(groups.length + 1);
  for (let i = 0; i < groups.length; i++) ids[i] = groups[i] as number;
  return call(SYS_SETGROUPS, BigInt(groups.length), addressOf(ids), 0n);
}

// As Deno does: supplementary groups of root are not handed on, where they can be
// left. A user namespace may deny setgroups(2): then they stay.
function leaveGroups(request: CredentialRequest): boolean {
  const error = setGroups([]);
  if (error !== 0 && error !== EPERM) {
    throw refusal("setgroups", error, request);
  }
  return error === 0;
}

function becomeMember(
  groups: readonly number[],
  request: CredentialRequest,
): true {
  const error = setGroups(groups);
  if (error === 0) return true;
  throw refusal("setgroups", error, request);
}

// Before Linux 4.3, and behind the last capability that there is: EINVAL.
function ambientCapabilities(request: CredentialRequest): bigint[] {
  const found: bigint[] = [];
  for (let capability = 0n; capability < 64n; capability++) {
    const is = control(PR_CAP_AMBIENT, AMBIENT_IS_SET, capability);
    if (is > 0) found[found.length] = capability;
    if (is >= 0) continue;
    const error = errno();
    if (error === EINVAL) break;
    throw refusal("prctl", error, request);
  }
  return found;
}

function clearAmbient(request: CredentialRequest): void {
  if (control(PR_CAP_AMBIENT, AMBIENT_CLEAR_ALL, 0n) === 0) return;
  throw refusal("prctl", errno(), request);
}

function refusal(
  syscall: "setgroups" | "prctl",
  error: number,
  { command }: CredentialRequest,
): Error {
  const what = syscall === "setgroups"
    ? "choose its supplementary groups (CAP_SETGID)"
    : "clear its ambient capabilities";
  return posixError(syscall, error, {
    message: `Failed to spawn '${command}': this process may not ${what}`,
    command,
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
  // To go on as another user would be worse than to end.
  if (error !== 0) {
    throw posixError("setresuid", error, {
      message: "Cannot take back this thread's own user or group id",
    });
  }
}
