/**
 * Numbers that Linux and macOS have differently: `<sys/errno.h>`,
 * `<sys/signal.h>`, `<sys/fcntl.h>` of xnu.
 *
 * @module
 */

import { DARWIN_SIGNALS, LINUX_SIGNALS } from "../../backend/signals.ts";

const ERRORS: Readonly<Record<number, number>> = {
  11: 35, // EAGAIN
  36: 63, // ENAMETOOLONG
  38: 78, // ENOSYS
  40: 62, // ELOOP
  88: 38, // ENOTSOCK
  95: 102, // EOPNOTSUPP
  97: 47, // EAFNOSUPPORT
  98: 48, // EADDRINUSE
  99: 49, // EADDRNOTAVAIL
};

/** An error number of Linux as macOS has it. */
export function errorOfDarwin(linux: number): number {
  return ERRORS[linux] ?? linux;
}

const toLinux = new Map<number, number>();
const toDarwin = new Map<number, number>();
for (const [name, number] of Object.entries(DARWIN_SIGNALS)) {
  const linux = LINUX_SIGNALS[name];
  if (linux === undefined) continue;
  toLinux.set(number, linux);
  toDarwin.set(linux, number);
}

/** A signal's number on macOS as Linux has it. */
export function signalOfLinux(darwin: number): number {
  return toLinux.get(darwin) ?? darwin;
}

/** The same the other way round. */
export function signalOfDarwin(linux: number): number {
  return toDarwin.get(linux) ?? linux;
}

// macOS, Linux on x64.
const OPEN_FLAGS: readonly (readonly [number, number])[] = [
  [0x4, 0x800], // O_NONBLOCK
  [0x8, 0x400], // O_APPEND
  [0x200, 0x40], // O_CREAT
  [0x400, 0x200], // O_TRUNC
  [0x100_0000, 0x8_0000], // O_CLOEXEC
];

/** Flags of open(2) on macOS as Linux has them. */
export function openFlagsOfLinux(darwin: number): number {
  let rest = darwin & ~3;
  let linux = darwin & 3;
  for (const [theirs, ours] of OPEN_FLAGS) {
    if ((rest & theirs) !== 0) linux |= ours;
    rest &= ~theirs;
  }
  if (rest !== 0) throw new Error(`open: no such flag: 0x${rest.toString(16)}`);
  return linux;
}
