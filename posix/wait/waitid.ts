/**
 * waitid(2): its constants (<sys/wait.h>) and its answer (siginfo_t, <signal.h>).
 *
 * @module
 */

import { DARWIN, libc } from "../system/libc.ts";

export const P_ALL = 0;
export const P_PID = 1;
export const WNOHANG = 1;
export const WSTOPPED = DARWIN ? 8 : 2;
export const WEXITED = 4;
export const WCONTINUED = DARWIN ? 0x10 : 8;
export const WNOWAIT = DARWIN ? 0x20 : 0x0100_0000;
export const CLD_STOPPED = 5;

// siginfo_t: si_code 8 on both; si_pid 16, si_status 24 on Linux (64 bit);
// si_pid 12, si_status 20 on macOS. 128 bytes hold either.
const siginfo = new Int32Array(32);
const siginfoBytes = new Uint8Array(siginfo.buffer);
const SI_CODE = 2;
const SI_PID = DARWIN ? 3 : 4;
const SI_STATUS = DARWIN ? 5 : 6;

/**
 * @param type `P_PID` or `P_ALL`.
 * @param id The child, for `P_PID`.
 * @param options What about it, and `WNOHANG`: then {@linkcode siginfoPid} is 0
 * when there is nothing.
 * @returns 0, or -1 with errno set.
 */
export function waitid(type: number, id: number, options: number): number {
  siginfo[SI_PID] = 0;
  return libc().waitid(type, id, siginfoBytes, options);
}

/** Whom the last answer is about; 0: about nobody. */
export function siginfoPid(): number {
  return siginfo[SI_PID] as number;
}

/** What has happened to it: `CLD_EXITED` and so on. */
export function siginfoCode(): number {
  return siginfo[SI_CODE] as number;
}

/** Its exit status, or the signal. */
export function siginfoStatus(): number {
  return siginfo[SI_STATUS] as number;
}
