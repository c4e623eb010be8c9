import { assertEquals } from "@std/assert";
import {
  collectPids,
  isDead,
  parseLocksLimit,
  parseStat,
  stateName,
} from "../../../../posix/system/proc_files.ts";
import { LINUX_SIGNALS } from "../../../../backend/signals.ts";
import {
  decodeSiginfo,
  decodeWaitStatus,
  exited,
  LOST,
  signalled,
} from "../../../../posix/wait/leader.ts";

const REST =
  "S 41 42 43 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 9 10 18446744073709551615 0";

// Names are what the kernel prints between the outermost parentheses.
for (
  const name of [
    "sleep",
    "a b",
    "a) (b",
    ") S 1 1 1 (",
    "",
    "tab\tnew\nline",
    "(((",
  ]
) {
  Deno.test(`parseStat() reads the line of a process named '${JSON.stringify(name)}'`, () => {
    assertEquals(parseStat(`123 (${name}) ${REST}\n`), {
      pid: 123,
      name,
      state: "S",
      ppid: 41,
      pgrp: 42,
      session: 43,
      startTicks: 987654,
      forked: false,
    });
  });
}

Deno.test("parseStat() tells a process that has not called exec since its fork", () => {
  const line = `123 (sh) ${REST.replace("4194304", "4194368")}`;
  assertEquals(parseStat(line)?.forked, true);
});

Deno.test("parseStat() takes no process for a zombie that has a living thread", () => {
  const line = (state: string, threads: number) =>
    `123 (x) ${
      REST.replace("S", state).replace(" 20 0 1 0 ", ` 20 0 ${threads} 0 `)
    }`;
  assertEquals(parseStat(line("Z", 1))?.state, "Z");
  assertEquals(parseStat(line("Z", 2))?.state, "S");
  assertEquals(parseStat(line("T", 2))?.state, "T");
});

Deno.test("parseStat() makes nothing of what is no stat line", () => {
  for (
    const text of ["", "123", "123 (x", "123 x) S", "123 (x) S 1 2", "123 (x) "]
  ) {
    assertEquals(parseStat(text), null, text);
  }
});

Deno.test("states have words, and only zombies and the dead are over", () => {
  assertEquals(
    [..."RSDTtZXI"].map((letter) => [stateName(letter), isDead(letter)]),
    [
      ["running", false],
      ["sleeping", false],
      ["uninterruptible", false],
      ["stopped", false],
      ["traced", false],
      ["zombie", true],
      ["dead", true],
      ["idle", false],
    ],
  );
  assertEquals(stateName("?"), "?");
});

Deno.test("parseLocksLimit() reads the soft limit, whatever stands around it", () => {
  const file = (value: string) =>
    `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max locked memory         8388608              8388608              bytes     
Max file locks            ${value.padEnd(20)} unlimited            locks     
Max pending signals       96365                96365                signals   
`;
  assertEquals(
    parseLocksLimit(file("7512345600780000000")),
    7512345600780000000n,
  );
  assertEquals(parseLocksLimit(file("0")), 0n);
  assertEquals(parseLocksLimit(file("unlimited")), null);
  assertEquals(parseLocksLimit(""), null);
});

/** A buffer as getdents64 fills it. */
function dirents(names: readonly string[]): Uint8Array {
  const bytes: number[] = [];
  for (const name of names) {
    const length = Math.ceil((19 + name.length + 1) / 8) * 8;
    const entry = new Uint8Array(length);
    new DataView(entry.buffer).setUint16(16, length, true);
    entry.set(new TextEncoder().encode(name), 19);
    bytes.push(...entry);
  }
  return new Uint8Array(bytes);
}

Deno.test("collectPids() takes the names that are numbers, and nothing else", () => {
  const bytes = dirents([
    ".",
    "..",
    "1",
    "4194304",
    "12a",
    "self",
    "0",
    "net",
    "77",
    "7z",
  ]);
  const pids: number[] = [5];
  collectPids(bytes, bytes.length, pids);
  assertEquals(pids, [5, 1, 4194304, 77]);
  const some: number[] = [];
  collectPids(bytes, 0, some);
  assertEquals(some, []);
});

Deno.test("decodeWaitStatus() tells an exit from a death by signal", () => {
  for (const code of [0, 1, 127, 128, 137, 255]) {
    assertEquals(decodeWaitStatus(code << 8, LINUX_SIGNALS), {
      code,
      signal: null,
      lost: false,
    });
  }
  assertEquals(decodeWaitStatus(9, LINUX_SIGNALS), {
    code: 137,
    signal: "SIGKILL",
    lost: false,
  });
  // With a core dump (0x80).
  assertEquals(decodeWaitStatus(0x80 | 6, LINUX_SIGNALS), {
    code: 134,
    signal: "SIGABRT",
    lost: false,
  });
  // A real-time signal has no name.
  assertEquals(decodeWaitStatus(40, LINUX_SIGNALS), {
    code: 168,
    signal: null,
    lost: false,
  });
});

Deno.test("decodeSiginfo() agrees with it", () => {
  assertEquals(decodeSiginfo(1, 3, LINUX_SIGNALS), exited(3));
  assertEquals(
    decodeSiginfo(2, 15, LINUX_SIGNALS),
    signalled(15, LINUX_SIGNALS),
  );
  assertEquals(
    decodeSiginfo(3, 11, LINUX_SIGNALS),
    signalled(11, LINUX_SIGNALS),
  );
  assertEquals([LOST.code, LOST.signal, LOST.lost], [-1, null, true]);
});
