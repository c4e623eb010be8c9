import { assert, assertEquals } from "@std/assert";
import { SystemError } from "../../../../backend/errors.ts";
import {
  cwdError,
  errorClass,
  errorName,
  notFound,
  spawnError,
  tooLong,
  windowsError,
} from "../../../../windows/system/errors.ts";

// On Windows the words come from the system: opened here, a library is no leak
// of a test's.
Deno.test.beforeAll(() => {
  windowsError(5, "none");
});

Deno.test("errorName() knows the codes, and makes a name for others", () => {
  assertEquals(errorName(5), "ERROR_ACCESS_DENIED");
  assertEquals(errorName(193), "ERROR_BAD_EXE_FORMAT");
  assertEquals(errorName(54321), "ERROR_54321");
});

Deno.test("errorClass() is the class that Deno throws", () => {
  assertEquals(errorClass(2), Deno.errors.NotFound);
  assertEquals(errorClass(5), Deno.errors.PermissionDenied);
  assertEquals(errorClass(232), Deno.errors.BrokenPipe);
  assertEquals(errorClass(193), null);
});

Deno.test("windowsError() carries code, errno, syscall and what else is known", () => {
  const error = windowsError(5, "OpenProcess", { pid: 4 });
  assert(error instanceof Deno.errors.PermissionDenied);
  assert(error instanceof SystemError);
  assertEquals(error.code, "ERROR_ACCESS_DENIED");
  assertEquals(error.errno, 5);
  assertEquals(error.syscall, "OpenProcess");
  assertEquals(error.pid, 4);
});

Deno.test("spawn errors have the words of Deno.Command", () => {
  assertEquals(notFound("x").message, "Failed to spawn 'x': entity not found");
  assertEquals(
    cwdError("x", "C:\\y", false).message,
    "Failed to spawn 'x': No such cwd 'C:\\y'",
  );
  assertEquals(
    cwdError("x", "C:\\y", true).message,
    "Failed to spawn 'x': cwd is not a directory 'C:\\y'",
  );
  assert(cwdError("x", "y", true) instanceof Deno.errors.NotFound);
  assert(spawnError(193, "x").message.startsWith("Failed to spawn 'x': "));
  assert(tooLong("x", 40_000).message.includes("40000"));
});
