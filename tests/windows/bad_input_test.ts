import { assert, assertEquals, assertThrows } from "@std/assert";
import type { SpawnSpec } from "../../backend/spec.ts";
import { SystemError } from "../../backend/errors.ts";
import { windowsBackend } from "../../windows/backend.ts";
import { MAX_COMMAND_LINE } from "../../windows/system/command_line.ts";
import { CREATE_NO_WINDOW, SYNCHRONIZE } from "../../windows/system/win32.ts";
import { createProcess } from "../../windows/system/create_process.ts";
import { openProcess } from "../../windows/system/process_table.ts";
import {
  getExitCodeProcess,
  terminateProcess,
  waitForSingleObject,
} from "../../windows/system/handle.ts";
import {
  alive,
  ignore,
  isWine,
  openLibraries,
  spec,
  start,
} from "./support.ts";
import { tinyProgram } from "./tiny_program.ts";

Deno.test.beforeAll(openLibraries);

const SLEEPER = {
  application: null,
  commandLine: "cmd.exe /c pause",
  flags: CREATE_NO_WINDOW,
};

function refusal(request: SpawnSpec): Error {
  return assertThrows(() => windowsBackend().spawn(request)) as Error;
}

Deno.test({
  name: "the handle of a dead process tells its exit code, and ends nobody",
  ignore,
  fn() {
    const { process, thread } = createProcess(SLEEPER);
    thread.close();
    assert(terminateProcess(process, 259));
    assert(waitForSingleObject(process, 10_000));
    assertEquals(getExitCodeProcess(process), 259);
    assertEquals(terminateProcess(process, 1), false);
    process.close();
    for (
      const use of [
        () => terminateProcess(process, 1),
        () => getExitCodeProcess(process),
        () => waitForSingleObject(process, 0),
      ]
    ) assertThrows(use, TypeError, "closed");
  },
});

Deno.test({
  name: "a handle without the right is refused by name, and ends nobody",
  ignore,
  fn() {
    const { process, thread, pid } = createProcess(SLEEPER);
    thread.close();
    const weak = openProcess(pid, SYNCHRONIZE)!;
    const error = assertThrows(() => terminateProcess(weak, 1));
    assert(error instanceof Deno.errors.PermissionDenied);
    assert(error instanceof SystemError);
    assertEquals(
      [error.code, error.errno, error.syscall],
      ["ERROR_ACCESS_DENIED", 5, "TerminateProcess"],
    );
    assert(!waitForSingleObject(process, 0));
    terminateProcess(process, 1);
    weak.close();
    process.close();
  },
});

Deno.test({
  name: "names of devices are no working directory",
  ignore,
  fn() {
    for (
      const cwd of ["NUL", "nul", "CON", "COM1", "NUL.txt", "C:\\NUL", "aux:"]
    ) {
      const error = refusal(spec("cmd", ["/c", "exit"], { cwd }));
      assert(error instanceof Deno.errors.NotFound, `${cwd}: ${error}`);
    }
  },
});

Deno.test({
  name: "lone surrogates are refused wherever they stand, or name nothing",
  ignore,
  fn() {
    const lone = "a\ud800b";
    const refused: SpawnSpec[] = [
      spec(lone, []),
      spec("cmd", [lone]),
      spec("cmd", [lone], { windowsRawArguments: true }),
      spec("cmd", [], { envNames: [lone], envValues: ["1"] }),
      spec("cmd", [], { envNames: ["A"], envValues: [lone] }),
    ];
    for (const request of refused) {
      const error = refusal(request);
      assert(error instanceof TypeError, `${error}`);
    }
    // A file may have such a name, and this one is not there.
    const error = refusal(spec("cmd", [], { cwd: `C:\\${lone}` }));
    assert(error instanceof Deno.errors.NotFound, `${error}`);
  },
});

Deno.test({
  name: "the longest command line arrives, one more character is refused",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const program = `${folder}\\tiny.exe`;
    await Deno.writeFile(program, tinyProgram("windows", 7));
    // The program in quotes, one blank, the argument, and the NUL.
    const longest = "x".repeat(MAX_COMMAND_LINE - program.length - 4);
    await using child = start(spec(program, [longest]));
    assertEquals((await child.exited).code, 7);
    const error = refusal(spec(program, [longest + "x"])) as SystemError;
    assertEquals(error.code, "ERROR_FILENAME_EXCED_RANGE");
    await child.child.watchTree().wait(5_000);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "a program is started by a path longer than 260 characters",
  // Wine looks for programs in a buffer of 260.
  ignore: ignore || isWine(),
  async fn() {
    const folder = await Deno.makeTempDir();
    const deep = `${folder}\\${"d".repeat(120)}\\${"e".repeat(120)}`;
    await Deno.mkdir(deep, { recursive: true });
    const program = `${deep}\\${"f".repeat(100)}.exe`;
    await Deno.writeFile(program, tinyProgram("windows", 9));
    await using child = start(spec(program, []));
    assertEquals((await child.exited).code, 9);
    assert(!alive(child.child.pid));
    await child.child.watchTree().wait(5_000);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "a program of another kind is refused by its format",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const program = `${folder}\\other.exe`;
    const bytes = tinyProgram("console", 0);
    // The machine: none that ever was.
    new DataView(bytes.buffer).setUint16(0x44, 0x1234, true);
    await Deno.writeFile(program, bytes);
    const error = refusal(spec(program, [])) as SystemError;
    assertEquals([error.code, error.errno], ["ERROR_BAD_EXE_FORMAT", 193]);
    await Deno.writeFile(program, new Uint8Array(0));
    const empty = refusal(spec(program, [])) as SystemError;
    assertEquals(empty.code, "ERROR_BAD_EXE_FORMAT");
    await Deno.remove(folder, { recursive: true });
  },
});
