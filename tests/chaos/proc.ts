/**
 * Reading `/proc` through libc: Deno's own functions throw for each process that
 * has no file and make an object of each entry, and a look has to be quicker
 * than what it looks at. Nothing here is the library's.
 *
 * @module
 */

const libc = Deno.build.os === "linux"
  ? Deno.dlopen("libc.so.6", {
    // ssize_t readlink(const char *path, char *buf, size_t size);
    readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
    // int open(const char *path, int flags, ...);
    open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
    // off_t lseek(int fd, off_t offset, int whence);
    lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
    // ssize_t getdents64(int fd, void *buf, size_t size);
    getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  }).symbols
  : null;
const bytes = new Uint8Array(65536);
const O_CLOEXEC_DIRECTORY = 0x90000;
const proc = libc?.open(cString("/proc"), O_CLOEXEC_DIRECTORY, 0) ?? -1;

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** What a link points to; empty when it cannot be read. */
export function link(path: string): string {
  const n = Number(libc?.readlink(cString(path), bytes, 4096n) ?? -1);
  return n > 0 ? new TextDecoder().decode(bytes.subarray(0, n)) : "";
}

/** All process ids, newest first. */
export function pidsNewestFirst(): number[] {
  const pids: number[] = [];
  if (libc === null) return pids;
  libc.lseek(proc, 0n, 0);
  for (;;) {
    const size = Number(libc.getdents64(proc, bytes, BigInt(bytes.length)));
    if (size <= 0) break;
    // struct linux_dirent64: d_reclen u16 at 16, d_name at 19.
    for (let at = 0; at < size; at += bytes[at + 16]! + bytes[at + 17]! * 256) {
      let pid = 0;
      let digit = bytes[at + 19]! - 48;
      for (let i = 20; digit >= 0 && digit <= 9; i++) {
        pid = pid * 10 + digit;
        digit = bytes[at + i]! - 48;
      }
      if (pid > 0) pids.push(pid);
    }
  }
  return pids.sort((a, b) => b - a);
}
