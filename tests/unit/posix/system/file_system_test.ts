import { assertEquals, assertInstanceOf } from "@std/assert";
import { SystemError, systemError } from "../../../../backend/errors.ts";
import {
  eagain,
  errnoMeaning,
  errnoName,
  posixError,
} from "../../../../posix/system/errno.ts";
import { absolutePath } from "../../../../posix/system/file_system.ts";
import { isLoaderVariable } from "../../../../backend/permissions.ts";

// Path, base, what it becomes.
const PATHS: readonly (readonly [string, string, string])[] = [
  ["/bin/true", "/work", "/bin/true"],
  ["true", "/work", "/work/true"],
  ["./true", "/work", "/work/true"],
  ["../true", "/work/sub", "/work/true"],
  ["../../../true", "/work", "/true"],
  ["a/./b//c/../d", "/", "/a/b/d"],
  ["/a/b/../../..", "/x", "/"],
  ["", "/work", "/work"],
  ["a/", "/work/", "/work/a"],
  ["..a/b..", "/", "/..a/b.."],
];

for (const [path, base, absolute] of PATHS) {
  Deno.test(`absolutePath("${path}", "${base}") is ${absolute}`, () => {
    assertEquals(absolutePath(path, base), absolute);
  });
}

Deno.test("error numbers have the names of their system", () => {
  assertEquals([errnoName(2, "linux"), errnoName(2, "darwin")], [
    "ENOENT",
    "ENOENT",
  ]);
  assertEquals([errnoName(11, "linux"), errnoName(35, "darwin")], [
    "EAGAIN",
    "EAGAIN",
  ]);
  assertEquals([errnoName(36, "linux"), errnoName(63, "darwin")], [
    "ENAMETOOLONG",
    "ENAMETOOLONG",
  ]);
  assertEquals([errnoName(38, "linux"), errnoName(78, "darwin")], [
    "ENOSYS",
    "ENOSYS",
  ]);
  assertEquals(errnoName(12345, "linux"), "errno 12345");
  assertEquals([eagain("linux"), eagain("darwin")], [11, 35]);
  assertEquals(errnoMeaning(13), "Permission denied (os error 13)");
});

Deno.test("posixError() has Deno's class for a number, and the details of the call", () => {
  const CLASSES:
    readonly (readonly [number, new (...args: never[]) => Error])[] = [
      [2, Deno.errors.NotFound],
      [3, Deno.errors.NotFound],
      [13, Deno.errors.PermissionDenied],
      [1, Deno.errors.PermissionDenied],
      [32, Deno.errors.BrokenPipe],
      [20, Deno.errors.NotADirectory],
      [26, Deno.errors.Busy],
      [7, SystemError],
      [24, SystemError],
    ];
  for (const [errno, kind] of CLASSES) {
    const error = posixError("open", errno, { command: "x", pid: 5 });
    assertInstanceOf(error, kind as new () => Error);
    assertInstanceOf(error, SystemError);
    assertEquals([error.errno, error.syscall, error.command, error.pid], [
      errno,
      "open",
      "x",
      5,
    ]);
    assertEquals(error.code, errnoName(errno));
  }
});

Deno.test("only errors with a system call's details are a SystemError", () => {
  const details = { code: "EX", errno: 1, syscall: "x" };
  const cause = new Error("cause");
  const made = systemError(RangeError, "message", details, { cause });
  assertInstanceOf(made, SystemError);
  assertInstanceOf(made, RangeError);
  assertEquals([made.message, made.cause], ["message", cause]);
  for (
    const other of [
      new Error("x"),
      new Deno.errors.NotFound("x"),
      null,
      {},
      "x",
    ]
  ) {
    assertEquals(other instanceof SystemError, false);
  }
});

Deno.test("variables of the dynamic loader are known in any case", () => {
  for (
    const name of [
      "LD_PRELOAD",
      "ld_preload",
      "Ld_X",
      "DYLD_INSERT_LIBRARIES",
      " LD_A",
      "\tdyld_x",
    ]
  ) {
    assertEquals(isLoaderVariable(name), true, name);
  }
  for (const name of ["LD", "LDX", "XLD_PRELOAD", "OLD_PATH", "", "DYLD"]) {
    assertEquals(isLoaderVariable(name), false, name);
  }
});
