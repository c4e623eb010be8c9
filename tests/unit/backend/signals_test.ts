import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  DARWIN_SIGNALS,
  LINUX_SIGNALS,
  signalName,
  signalNumber,
  WINDOWS_SIGNALS,
} from "../../../backend/signals.ts";
import { EMULATED_MACOS } from "../../fixtures/deno.ts";

// signal(7) and <sys/signal.h>: those that differ, and those one would notice.
const NUMBERS: readonly (readonly [string, number, number])[] = [
  ["SIGHUP", 1, 1],
  ["SIGINT", 2, 2],
  ["SIGKILL", 9, 9],
  ["SIGPIPE", 13, 13],
  ["SIGTERM", 15, 15],
  ["SIGBUS", 7, 10],
  ["SIGUSR1", 10, 30],
  ["SIGUSR2", 12, 31],
  ["SIGCHLD", 17, 20],
  ["SIGCONT", 18, 19],
  ["SIGSTOP", 19, 17],
  ["SIGTSTP", 20, 18],
  ["SIGURG", 23, 16],
  ["SIGIO", 29, 23],
  ["SIGSYS", 31, 12],
];

Deno.test("signals have the numbers of their system", () => {
  for (const [name, linux, darwin] of NUMBERS) {
    assertEquals(signalNumber(LINUX_SIGNALS, name), linux, name);
    assertEquals(signalNumber(DARWIN_SIGNALS, name), darwin, name);
  }
});

Deno.test("the tables agree with Deno's on this system", {
  // Deno itself does not believe what the lane tells it.
  ignore: EMULATED_MACOS,
}, () => {
  const table = Deno.build.os === "darwin" ? DARWIN_SIGNALS : LINUX_SIGNALS;
  if (Deno.build.os === "windows") {
    assertEquals(WINDOWS_SIGNALS.SIGINT, 2);
    return;
  }
  // Signal 0 of a process that is there: an unknown name would throw.
  for (const name of Object.keys(table)) {
    if (name === "SIGSTKFLT" || name === "SIGUNUSED") continue;
    const ignored = () => {};
    if (["SIGKILL", "SIGSTOP", "SIGILL", "SIGFPE", "SIGSEGV"].includes(name)) {
      continue;
    }
    Deno.addSignalListener(name as Deno.Signal, ignored);
    Deno.removeSignalListener(name as Deno.Signal, ignored);
  }
});

Deno.test("every number has one canonical name", () => {
  for (const table of [LINUX_SIGNALS, DARWIN_SIGNALS]) {
    for (let n = 1; n <= 31; n++) {
      const name = signalName(table, n);
      assert(name !== null, `signal ${n}`);
      assertEquals(table[name], n);
    }
    assertEquals(signalName(table, 6), "SIGABRT");
  }
  assertEquals(signalName(LINUX_SIGNALS, 29), "SIGIO");
  assertEquals(signalName(LINUX_SIGNALS, 31), "SIGSYS");
});

Deno.test("a number without a name has none", () => {
  for (const n of [0, 32, 34, 64, 65, -1]) {
    assertEquals(signalName(LINUX_SIGNALS, n), null);
  }
});

Deno.test("signalNumber() takes numbers as they are, and refuses what is no signal", () => {
  for (const n of [0, 1, 9, 64]) {
    assertEquals(signalNumber(LINUX_SIGNALS, n), n);
  }
  for (
    const bad of [
      65,
      -1,
      1.5,
      NaN,
      Infinity,
      "SIGFOO",
      "",
      "sigterm",
      "15",
      "toString",
      "__proto__",
      "constructor",
    ]
  ) {
    assertThrows(
      () => signalNumber(LINUX_SIGNALS, bad),
      TypeError,
      "Invalid signal",
    );
  }
  for (const bad of [null, undefined, {}, [], true]) {
    assertThrows(
      () => signalNumber(LINUX_SIGNALS, bad as never),
      TypeError,
      "Invalid signal",
    );
  }
});

Deno.test("signals that a system does not have are unknown there", () => {
  assertThrows(() => signalNumber(LINUX_SIGNALS, "SIGINFO"), TypeError);
  assertThrows(() => signalNumber(DARWIN_SIGNALS, "SIGPWR"), TypeError);
  assertThrows(() => signalNumber(WINDOWS_SIGNALS, "SIGUSR1"), TypeError);
});
