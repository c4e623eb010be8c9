/**
 * Priority and CPUs of a child that does not run yet. Set on the child, not on
 * this thread for a moment: a lower priority could not be taken back without
 * privilege (setpriority(2)).
 *
 * @module
 */

import { buffer } from "../../ffi/pointer.ts";
import { errnoMeaning, posixError } from "../system/errno.ts";
import { DARWIN, errno, libcJobControl, libcTerminal } from "../system/libc.ts";

const PRIO_PROCESS = 0;
// A mask for every CPU that Linux can be built for (CONFIG_NR_CPUS, 8192).
const MASK_BYTES = 1024;

/**
 * Sets the nice value of a child that has one thread.
 *
 * @param pid The child.
 * @param nice -20 to 19.
 * @param command For messages.
 * @throws {Deno.errors.PermissionDenied} when it is less than this process may give.
 */
export function setNice(pid: number, nice: number, command: string): void {
  if (libcJobControl().setpriority(PRIO_PROCESS, pid, nice) === 0) return;
  const error = errno();
  throw posixError("setpriority", error, {
    message:
      `Failed to spawn '${command}': this process may not give it the nice value ${nice}: ${
        errnoMeaning(error)
      }. Less than its own takes CAP_SYS_NICE or a limit 'ulimit -e'`,
    command,
  });
}

/**
 * Refuses a list of CPUs where the OS knows none.
 *
 * @param cpus The list, or `null`.
 * @throws {Deno.errors.NotSupported} on macOS.
 */
export function refuseAffinity(cpus: readonly number[] | null): void {
  if (cpus === null || !DARWIN) return;
  throw new Deno.errors.NotSupported(
    "Cannot set 'affinity' on macOS: it has no call that binds a process to CPUs. Leave it out, or use 'priority'",
  );
}

/**
 * Sets the CPUs that a child may use (Linux).
 *
 * @param pid The child; it has one thread.
 * @param cpus Their numbers.
 * @param command For messages.
 * @throws {RangeError} when one does not exist, is offline or not allowed to us.
 */
export function setAffinity(
  pid: number,
  cpus: readonly number[],
  command: string,
): void {
  const mask = buffer(MASK_BYTES);
  for (let i = 0; i < cpus.length; i++) {
    const cpu = cpus[i] as number;
    mask[cpu >> 3] = (mask[cpu >> 3] as number) | 1 << (cpu & 7);
  }
  const size = BigInt(MASK_BYTES);
  // The kernel leaves out silently what is not there, unless nothing is left
  // (EINVAL, sched_setaffinity(2)): so what it has made of the list is read back.
  const failed = libcTerminal().sched_setaffinity(pid, size, mask) !== 0;
  const got = buffer(MASK_BYTES);
  if (!failed) libcTerminal().sched_getaffinity(pid, size, got);
  for (let i = 0; i < cpus.length; i++) {
    const cpu = cpus[i] as number;
    if (((got[cpu >> 3] as number) & 1 << (cpu & 7)) !== 0) continue;
    throw new RangeError(
      `Failed to spawn '${command}': CPU ${cpu} in 'affinity' does not exist here, is offline, or is not allowed to this process`,
    );
  }
}
