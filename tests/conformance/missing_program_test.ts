/** A program that does not exist: the error says what to do. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Command, SystemError } from "../../mod.ts";
import { DIFFERENCES } from "./differences.ts";

function messageOf(command: string): string {
  const error = assertThrows(
    () => new Command(command).outputSync(),
    Deno.errors.NotFound,
  );
  assert(error instanceof SystemError);
  assertEquals(error.command, command);
  return error.message;
}

Deno.test("a program with its arguments in one string is told of args", () => {
  const inPath = messageOf("killable-none --all  here");
  assert(
    inPath.endsWith(
      `. If "killable-none" is the program, its arguments go into args: ["--all", "here"]`,
    ),
    inPath,
  );
});

Deno.test({
  name: "so is a program with a directory in its name",
  ignore: DIFFERENCES.spawnErrorsByPath.here,
  fn() {
    const byPath = messageOf("./killable/none -l");
    assert(
      byPath.includes(`"./killable/none" is the program`) &&
        byPath.endsWith(`args: ["-l"]`),
      byPath,
    );
    assert(!messageOf("./killable/none").includes("args"));
  },
});

Deno.test("a missing program without a space in its name is not told of args", () => {
  assert(!messageOf("killable-none").includes("args"));
});

Deno.test("a piped stdin is refused by output(), which names the way out", () => {
  const command = new Command(Deno.execPath(), { stdin: "piped" });
  for (const call of [() => command.output(), () => command.outputSync()]) {
    const { message } = assertThrows(call, TypeError);
    assert(message.includes("'Command.spawn()' of this library"), message);
    assert(message.includes("'input'"), message);
  }
});
