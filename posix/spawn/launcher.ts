/**
 * The errand: the work that a child does before it becomes the program, where
 * posix_spawn has no attribute for it. The child waits until it is let go, stops, sets
 * its file mode creation mask and its limit of descriptors, opens a FIFO, puts its own
 * process id into LISTEN_PID (sd_listen_fds(3)). These belong to the whole process, so
 * that this process cannot take them on for a moment.
 *
 * On Linux the launcher does it: a program of some 130 bytes of code that makes a list
 * of system calls and then becomes the program by execve(2). It is a static ELF file
 * (elf(5)) in memory (memfd_create(2)), made for one child and started as
 * /proc/self/fd/N.
 *
 * On macOS, on arm64 before Linux 6.1, and where the kernel or a security module
 * refuses the launcher (`vm.memfd_noexec`), /bin/sh does it by a script and becomes the program by exec,
 * with the same process id. A shell drops variables that are no identifiers
 * (`spring.datasource.url`, `BASH_FUNC_f%%`) and sets PWD, IFS and OPTIND; the launcher
 * hands on argv and envp as they are, and starts in a tenth of the time.
 *
 * @module
 */

import { cString } from "../../ffi/memory.ts";
import { buffer } from "../../ffi/library.ts";
import { SIGSTOP } from "../signal/signal_process.ts";
import { openToRead } from "../stdio/stdio.ts";
import { EACCES, ENOENT } from "../system/errno.ts";
import {
  aboveStdio,
  isDirectory,
  isExecutable,
  isThere,
} from "../system/file_system.ts";
import { DARWIN, libc, libcLauncher } from "../system/libc.ts";

const ARM64 = Deno.build.arch === "aarch64";
const X64 = Deno.build.arch === "x86_64";

// The launcher of Linux.

// The segments in memory: code at BASE, the list of calls at DATA. One file page may
// hold both: each segment is a private mapping of it.
const BASE = 0x20_0000;

const CODE_OFFSET = 0x100;
const DATA_OFFSET = 0x400;
const DATA = 0x21_0400;
const PAGE = 0x1_0000;
const EXECUTE_READ = 5;
const READ_WRITE = 6;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474_e551;
const EM_X86_64 = 62;
const EM_AARCH64 = 183;

// The stack at the entry: argc, argv[0], argv[1] = "/bin/sh", argv[2], …, NULL, envp.
// An entry of the list: number, four arguments, the least result that is no failure,
// where the result is stored. The last one: -1, the program's path, the string for
// envp[0] or 0, "/bin/sh".

// deno-fmt-ignore
const X64_CODE: readonly number[] = [
  0x48, 0x89, 0xe3,                         //    mov  rbx, rsp
  0x41, 0xbc, 0x00, 0x04, 0x21, 0x00,       //    mov  r12d, DATA
  0x49, 0x8b, 0x04, 0x24,                   // 1: mov  rax, [r12]
  0x48, 0x85, 0xc0,                         //    test rax, rax
  0x78, 0x2b,                               //    js   2f
  0x49, 0x8b, 0x7c, 0x24, 0x08,             //    mov  rdi, [r12+8]
  0x49, 0x8b, 0x74, 0x24, 0x10,             //    mov  rsi, [r12+16]
  0x49, 0x8b, 0x54, 0x24, 0x18,             //    mov  rdx, [r12+24]
  0x4d, 0x8b, 0x54, 0x24, 0x20,             //    mov  r10, [r12+32]
  0x0f, 0x05,                               //    syscall
  0x49, 0x3b, 0x44, 0x24, 0x28,             //    cmp  rax, [r12+40]
  0x7c, 0x48,                               //    jl   4f
  0x49, 0x8b, 0x4c, 0x24, 0x30,             //    mov  rcx, [r12+48]
  0x48, 0x89, 0x01,                         //    mov  [rcx], rax
  0x49, 0x83, 0xc4, 0x40,                   //    add  r12, 64
  0xeb, 0xcc,                               //    jmp  1b
  0x48, 0x8b, 0x0b,                         // 2: mov  rcx, [rbx]
  0x48, 0x8d, 0x54, 0xcb, 0x10,             //    lea  rdx, [rbx+rcx*8+16]
  0x49, 0x8b, 0x7c, 0x24, 0x10,             //    mov  rdi, [r12+16]
  0x48, 0x85, 0xff,                         //    test rdi, rdi
  0x74, 0x03,                               //    jz   3f
  0x48, 0x89, 0x3a,                         //    mov  [rdx], rdi
  0x49, 0x8b, 0x7c, 0x24, 0x08,             // 3: mov  rdi, [r12+8]
  0x48, 0x8d, 0x73, 0x18,                   //    lea  rsi, [rbx+24]
  0xb8, 0x3b, 0x00, 0x00, 0x00,             //    mov  eax, 59   execve
  0x0f, 0x05,                               //    syscall
  0x83, 0xf8, 0xf8,                         //    cmp  eax, -8   ENOEXEC
  0x75, 0x10,                               //    jne  4f
  0x49, 0x8b, 0x7c, 0x24, 0x18,             //    mov  rdi, [r12+24]
  0x48, 0x8d, 0x73, 0x10,                   //    lea  rsi, [rbx+16]
  0xb8, 0x3b, 0x00, 0x00, 0x00,             //    mov  eax, 59
  0x0f, 0x05,                               //    syscall
  0xbf, 0x7e, 0x00, 0x00, 0x00,             // 4: mov  edi, 126
  0xb8, 0xe7, 0x00, 0x00, 0x00,             //    mov  eax, 231  exit_group
  0x0f, 0x05,                               //    syscall
];

// deno-fmt-ignore
const ARM64_CODE: readonly number[] = [
  0x910003f3, //    mov  x19, sp
  0xd2808014, //    movz x20, #0x400           DATA
  0xf2a00434, //    movk x20, #0x21, lsl #16
  0xf9400288, // 1: ldr  x8, [x20]
  0xb7f80148, //    tbnz x8, #63, 2f
  0xa9408680, //    ldp  x0, x1, [x20, #8]
  0xa9418e82, //    ldp  x2, x3, [x20, #24]
  0xd4000001, //    svc  #0
  0xa942aa89, //    ldp  x9, x10, [x20, #40]
  0xeb09001f, //    cmp  x0, x9
  0x5400026b, //    b.lt 4f
  0xf9000140, //    str  x0, [x10]
  0x91010294, //    add  x20, x20, #64
  0x17fffff6, //    b    1b
  0xf9400269, // 2: ldr  x9, [x19]
  0x8b090e62, //    add  x2, x19, x9, lsl #3
  0x91004042, //    add  x2, x2, #16
  0xa940aa80, //    ldp  x0, x10, [x20, #8]
  0xb400004a, //    cbz  x10, 3f
  0xf900004a, //    str  x10, [x2]
  0x91006261, // 3: add  x1, x19, #24
  0xd2801ba8, //    mov  x8, #221              execve
  0xd4000001, //    svc  #0
  0xb100201f, //    cmn  x0, #8                ENOEXEC
  0x540000a1, //    b.ne 4f
  0xf9400e80, //    ldr  x0, [x20, #24]
  0x91004261, //    add  x1, x19, #16
  0xd2801ba8, //    mov  x8, #221
  0xd4000001, //    svc  #0
  0xd2800fc0, // 4: mov  x0, #126
  0xd2800bc8, //    mov  x8, #94               exit_group
  0xd4000001, //    svc  #0
];

/** Numbers of the system calls in the list. */
interface CallNumbers {
  readonly read: number;
  readonly close: number;
  readonly getpid: number;
  readonly kill: number;
  readonly umask: number;
  readonly prctl: number;
  readonly openat: number;
  readonly readlinkat: number;
  readonly dup3: number;
  readonly prlimit64: number;
}

// deno-fmt-ignore
const X64_CALLS: CallNumbers = {
  read: 0, close: 3, getpid: 39, kill: 62, umask: 95, prctl: 157,
  openat: 257, readlinkat: 267, dup3: 292, prlimit64: 302,
};

// deno-fmt-ignore
const ARM64_CALLS: CallNumbers = {
  read: 63, close: 57, getpid: 172, kill: 129, umask: 166, prctl: 167,
  openat: 56, readlinkat: 78, dup3: 24, prlimit64: 261,
};

const AT_FDCWD = -100n;
const O_WRONLY = 1;
const O_CREAT = 0x40;
const O_TRUNC = 0x200;
const O_APPEND = 0x400;
const O_CLOEXEC = 0x8_0000;
const PR_SET_NAME = 15n;
const RLIMIT_NOFILE = 7n;

// The least result of a call that may fail.
const LOWEST = -(1n << 63n);
const ENTRY = 64;
const PID_DIGITS = 12;

/** The list of calls, and the strings and cells that it refers to behind it. */
class CallList {
  readonly #calls: CallNumbers;
  readonly #entries: bigint[][] = [];
  readonly #strings: { bytes: Uint8Array; at: number }[] = [];
  // Behind the entries, which are at most this many bytes.
  #end: number;
  readonly #ignored: bigint;

  constructor(calls: CallNumbers, most: number) {
    this.#calls = calls;
    this.#end = most * ENTRY;
    this.#ignored = this.space(8);
  }

  /** Reserves room for a value that the launcher writes; returns its address. */
  space(size: number): bigint {
    return this.bytes(new Uint8Array(size));
  }

  /** Adds constant bytes; returns their address. */
  bytes(bytes: Uint8Array): bigint {
    const at = this.#end;
    this.#strings.push({ bytes, at });
    this.#end += (bytes.length + 7) & ~7;
    return BigInt(DATA + at);
  }

  text(text: string): bigint {
    return this.bytes(cString(text));
  }

  /** Adds a call: `least` is its least result that is no failure, `store` where its result goes. */
  add(
    name: keyof CallNumbers,
    given: readonly bigint[],
    { least = 0n, store = this.#ignored }: { least?: bigint; store?: bigint } =
      {},
  ): void {
    const entry = [BigInt(this.#calls[name])];
    for (let i = 0; i < 4; i++) entry[i + 1] = given[i] ?? 0n;
    this.#entries.push(entry.concat(least, store));
  }

  /** The address of the first argument of the call after the next: for the result of that. */
  get nextArgument(): bigint {
    return BigInt(DATA + (this.#entries.length + 1) * ENTRY + 8);
  }

  finish(path: bigint, variable: bigint, shell: bigint): Uint8Array {
    this.#entries.push([-1n, path, variable, shell]);
    const bytes = new Uint8Array(this.#end);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as bigint[];
      for (let k = 0; k < entry.length; k++) {
        view.setBigInt64(i * ENTRY + k * 8, entry[k] as bigint, true);
      }
    }
    for (let i = 0; i < this.#strings.length; i++) {
      const one = this.#strings[i] as { bytes: Uint8Array; at: number };
      bytes.set(one.bytes, one.at);
    }
    return bytes;
  }
}

/**
 * Makes the launcher's file for one child.
 *
 * @param path The program.
 * @param errand The work that is done first.
 * @param arm64 Whether it is for arm64, and not for x64.
 * @returns The bytes of the file.
 */
export function launcherImage(
  path: string,
  errand: Errand,
  arm64: boolean = ARM64,
): Uint8Array<ArrayBuffer> {
  const list = new CallList(
    arm64 ? ARM64_CALLS : X64_CALLS,
    12 + errand.files.length * 3,
  );
  list.add("prctl", [PR_SET_NAME, list.text("launcher")], { least: LOWEST });
  if (errand.umask !== null) list.add("umask", [BigInt(errand.umask)]);
  if (errand.hold >= 0) {
    const hold = BigInt(errand.hold);
    // A result of 0, the end of the file: this process has ended, or gives the child up.
    list.add("read", [hold, list.space(8), 1n], { least: 1n });
    list.add("close", [hold], { least: LOWEST });
  }
  if (errand.stops) {
    list.add("getpid", [], { store: list.nextArgument });
    list.add("kill", [0n, BigInt(SIGSTOP)]);
  }
  for (let i = 0; i < errand.files.length; i++) {
    addFile(list, errand.files[i] as ChildFile);
  }
  let variable = 0n;
  if (errand.listenPid) {
    const name = cString("LISTEN_PID=");
    const text = new Uint8Array(name.length + PID_DIGITS);
    text.set(name);
    variable = list.bytes(text);
    const digits = variable + BigInt(name.length - 1);
    const self = list.text("/proc/self");
    // Its target is the process id in decimal digits.
    list.add("readlinkat", [AT_FDCWD, self, digits, BigInt(PID_DIGITS)], {
      least: 1n,
    });
  }
  if (errand.openFiles !== null) {
    const limit = new Uint8Array(
      new BigUint64Array([errand.openFiles, errand.openFiles]).buffer,
    );
    list.add("prlimit64", [0n, RLIMIT_NOFILE, list.bytes(limit)]);
  }
  const program = list.text(path);
  return elfFile(list.finish(program, variable, list.text("/bin/sh")), arm64);
}

// Opened in the child: a FIFO waits there for its other end.
function addFile(list: CallList, file: ChildFile): void {
  const how = file.access === "read"
    ? 0
    : O_WRONLY | O_CREAT | (file.access === "append" ? O_APPEND : O_TRUNC);
  // The copy below has no close-on-exec.
  const flags = BigInt(how | O_CLOEXEC);
  const path = list.text(file.path);
  list.add("openat", [AT_FDCWD, path, flags, 0o666n], {
    store: list.nextArgument,
  });
  list.add("dup3", [0n, BigInt(file.target)]);
  if (file.copy < 0) return;
  list.add("dup3", [BigInt(file.target), BigInt(file.copy)]);
}

function elfFile(data: Uint8Array, arm64: boolean): Uint8Array<ArrayBuffer> {
  const file = buffer(DATA_OFFSET + data.length);
  const view = new DataView(file.buffer);
  // Elf64_Ehdr: 64-bit, little-endian, version 1.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, arm64 ? EM_AARCH64 : EM_X86_64, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE + CODE_OFFSET), true); // e_entry
  view.setBigUint64(32, 64n, true); // e_phoff
  view.setUint16(52, 64, true); // e_ehsize
  view.setUint16(54, 56, true); // e_phentsize
  view.setUint16(56, 3, true); // e_phnum
  segment(view, 64, PT_LOAD, EXECUTE_READ, 0, BASE, DATA_OFFSET);
  segment(view, 120, PT_LOAD, READ_WRITE, DATA_OFFSET, DATA, data.length);
  segment(view, 176, PT_GNU_STACK, READ_WRITE, 0, 0, 0);
  if (arm64) {
    for (let i = 0; i < ARM64_CODE.length; i++) {
      view.setUint32(CODE_OFFSET + i * 4, ARM64_CODE[i] as number, true);
    }
  } else file.set(X64_CODE, CODE_OFFSET);
  file.set(data, DATA_OFFSET);
  return file;
}

// Elf64_Phdr
function segment(
  view: DataView,
  at: number,
  type: number,
  flags: number,
  offset: number,
  address: number,
  size: number,
): void {
  view.setUint32(at, type, true);
  view.setUint32(at + 4, flags, true);
  view.setBigUint64(at + 8, BigInt(offset), true);
  view.setBigUint64(at + 16, BigInt(address), true);
  view.setBigUint64(at + 24, BigInt(address), true);
  view.setBigUint64(at + 32, BigInt(size), true);
  view.setBigUint64(at + 40, BigInt(size), true);
  view.setBigUint64(at + 48, BigInt(PAGE), true);
}

const MFD_CLOEXEC = 1;
const MFD_EXEC = 0x10;

// `null` until it was looked; false once the launcher was refused where a shell was not.
let usable: boolean | null = null;

/** Whether a launcher is tried. */
export function launcherUsable(): boolean {
  return usable ??= !DARWIN && (X64 || ARM64 && kernelIsArm64());
}

// Under an emulator of programs (qemu-user) the kernel, which loads the launcher, is
// another machine's, and what posix_spawn reports of that is lost. proc_sys_kernel(5)
// has the file since Linux 6.1; without it a shell does the errand.
function kernelIsArm64(): boolean {
  return firstBytes("/proc/sys/kernel/arch").startsWith("aarch64");
}

/** The launcher cannot be started on this host. */
export function launcherRefused(): void {
  usable = false;
}

/**
 * Opens the memory file of a launcher.
 *
 * @param taken Numbers in the child that it must not have.
 * @returns The descriptor, close-on-exec, or -1 where there can be none.
 */
export function openLauncher(taken: ReadonlySet<number>): number {
  if (!launcherUsable()) return -1;
  const name = cString("launcher");
  // MFD_EXEC is unknown before Linux 6.3, and wanted after it.
  let fd = libcLauncher().memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
  if (fd < 0) fd = libcLauncher().memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return -1;
  return aboveStdio(fd, taken);
}

/**
 * Writes the launcher's file.
 *
 * @param fd The memory file.
 * @param image The file, of {@linkcode launcherImage}.
 * @returns Whether all of it was written.
 */
export function writeLauncher(
  fd: number,
  image: Uint8Array<ArrayBuffer>,
): boolean {
  return libc().write(fd, image, BigInt(image.length)) === image.length;
}

// The shell that does the errand in place of the launcher. What exec would refuse is
// looked for beforehand, so that `spawn()` reports it.

/** The shell that becomes the program. */
export const SHELL = "/bin/sh";

// `exec -a`, which tells the program another name, is no part of sh(1): dash has
// none. bash has, and every macOS has bash.
const RENAMING_SHELL = "/bin/bash";

/** The name that a program is told by a shell, and what is lost on the way. */
export interface Renaming {
  /** The program, for messages. */
  readonly command: string;
  /** The name, or `undefined` for that of the program. */
  readonly argv0: string | undefined;
  /** Variables, as `name=value`, that a shell does not hand on. */
  readonly dropped: readonly string[];
}

/**
 * The shell that can do an errand.
 *
 * @param renaming What the program is told.
 * @returns Its path.
 * @throws {Deno.errors.NotSupported} where no shell can tell the program its name.
 */
export function shellFor({ command, argv0, dropped }: Renaming): string {
  if (argv0 === undefined) return SHELL;
  const begin =
    `Cannot start '${command}' with 'argv0': a shell prepares the child here, and `;
  if (!isExecutable(RENAMING_SHELL)) {
    throw new Deno.errors.NotSupported(
      `${begin}only ${RENAMING_SHELL}, which is missing, can tell it another name. Leave out 'argv0', or the options that need the shell ('umask', 'suspended', 'listeners', limits)`,
    );
  }
  if (dropped.length > 0) {
    // env(1) hands on such variables, but tells the program its path.
    const name = (dropped[0] as string).split("=", 1)[0];
    throw new Deno.errors.NotSupported(
      `${begin}cannot hand on the variable '${name}', whose name is no identifier, as well. Leave out 'argv0' or the variable`,
    );
  }
  return RENAMING_SHELL;
}

/** A file that is opened in the child: opening it may wait, as for a FIFO. */
export interface ChildFile {
  /** The descriptor in the child. */
  readonly target: number;
  /** Another descriptor, which becomes a copy of it, or -1. */
  readonly copy: number;
  /** Its absolute path. */
  readonly path: string;
  readonly access: "read" | "write" | "append";
}

/** The work that a child does first. */
export interface Errand {
  /** The descriptor that a line is read from, or -1. */
  readonly hold: number;
  /** Whether the child stops itself, after that. */
  readonly stops: boolean;
  /** The file mode creation mask, or `null`. */
  readonly umask: number | null;
  /** Linux: the limit of descriptors, or `null`. */
  readonly openFiles: bigint | null;
  /** macOS: commands that set limits, each with `;` behind it, or nothing. */
  readonly ulimits: string;
  /** Whether LISTEN_PID is set. */
  readonly listenPid: boolean;
  /** Files to open. */
  readonly files: readonly ChildFile[];
}

/**
 * Arguments of the shell that becomes the program.
 *
 * @param path The program.
 * @param args Its arguments.
 * @param errand The work that it does first.
 * @param dropped Variables, as `name=value`, that a shell does not hand on.
 * @param argv0 The name that the program is told, for a shell of {@linkcode shellFor}.
 * @returns The shell's arguments, its own name included: as `sh`, bash reads no BASH_ENV.
 */
export function shellArguments(
  path: string,
  args: readonly string[],
  errand: Errand,
  dropped: readonly string[],
  argv0?: string,
): string[] {
  const { hold, stops, umask, listenPid, ulimits, openFiles, files } = errand;
  // env(1) takes variables that are no identifiers, but a path with `=` for one.
  const through = dropped.length > 0 && !path.includes("=");
  const told = argv0 === undefined ? "" : `-a ${quoted(argv0)} `;
  // Limits last: the shell may need more descriptors than it leaves the program.
  let script = ulimits +
    (openFiles === null ? "" : `ulimit -n ${openFiles} || exit 125; `) +
    (through ? 'exec /usr/bin/env "$@"' : `exec ${told}"$0" "$@"`);
  if (listenPid) script = `LISTEN_PID=$$; export LISTEN_PID; ${script}`;
  for (let i = files.length - 1; i >= 0; i--) {
    script = redirection(files[i] as ChildFile) + script;
  }
  if (stops) script = `kill -STOP $$; ${script}`;
  if (hold >= 0) script = heldBack(hold) + script;
  if (umask !== null) script = `umask 0${umask.toString(8)}; ${script}`;
  const start = [SHELL, "-c", script, path];
  return (through ? start.concat(dropped, path) : start).concat(args);
}

// The descriptor is closed before the wait rather than after it: for any change of
// descriptors a shell needs a free one from 10 on. The program's stdin comes back
// at the end of the braces. The variable is not exported, unless the environment
// has one of that name.
function heldBack(fd: number): string {
  return `{ exec ${fd}<&-; read -r killable_hold; } <&${fd} || exit 125; `;
}

const OPERATORS = { read: "<", write: ">", append: ">>" } as const;

function redirection({ target, copy, path, access }: ChildFile): string {
  if (target > 9) {
    throw new Deno.errors.NotSupported(
      `Cannot open the FIFO '${path}' as descriptor ${target}: a shell opens it in the child here, and knows descriptors of one digit`,
    );
  }
  const file = `exec ${target}${OPERATORS[access]}${
    quoted(path)
  } || exit 126; `;
  return copy < 0 ? file : `${file}exec ${copy}>&${target}; `;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The reason for which exec would refuse a program.
 *
 * @param path The program.
 * @returns An error number, or 0.
 */
export function execObstacle(path: string): number {
  if (!isThere(path)) return ENOENT;
  if (isDirectory(path) || !isExecutable(path)) return EACCES;
  const interpreter = interpreterOf(path);
  if (interpreter === null) return 0;
  if (!isThere(interpreter)) return ENOENT;
  return isExecutable(interpreter) ? 0 : EACCES;
}

// The program named in a script's first line (execve(2)).
function interpreterOf(path: string): string | null {
  return /^#![ \t]*([^\s]+)/.exec(firstBytes(path))?.[1] ?? null;
}

function firstBytes(path: string): string {
  const fd = openToRead(path);
  // Readable is not needed for exec: then it is no script either.
  if (fd < 0) return "";
  const bytes = buffer(256);
  const n = Number(libc().read(fd, bytes, 256n));
  libc().close(fd);
  return new TextDecoder().decode(bytes.subarray(0, Math.max(n, 0)));
}
