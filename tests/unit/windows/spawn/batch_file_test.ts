import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  batchCommand,
  isBatchFile,
} from "../../../../windows/spawn/launch_plan.ts";
import batVectors from "../../data/vectors_bat.json" with { type: "json" };

Deno.test("isBatchFile() sees through case, trailing dots and blanks", () => {
  const batch = ["a.bat", "a.CMD", "C:\\x\\a.Bat.", "a.cmd ", "a.bat. . "];
  for (const name of batch) assert(isBatchFile(name), name);
  const other = ["a.exe", "bat", "a.bat.exe", "a.batt", "a.cmd\\b"];
  for (const name of other) assert(!isBatchFile(name), name);
});

Deno.test("batchCommand() quotes each argument, and all of it once more", () => {
  assertEquals(
    batchCommand("C:\\a b.bat", ["x", 'say "hi"', "50%", "end\\"], false),
    '/e:ON /v:OFF /d /c ""C:\\a b.bat" "x" "say ""hi""" "50%%cd:~,%" "end\\\\""',
  );
});

/**
 * What cmd.exe sees of a line: the text outside of quotes, where `&`, `|`, `<`,
 * `>` and `^` mean something. It knows no backslash.
 */
function outsideQuotes(line: string): string {
  return line.replace(/"[^"]*"/g, "");
}

Deno.test("batchCommand() leaves nothing special outside of quotes, for every vector", () => {
  let refused = 0;
  for (const { args } of batVectors) {
    let line: string;
    try {
      line = batchCommand("C:\\x.bat", args, false);
    } catch (error) {
      assert(error instanceof TypeError);
      refused++;
      continue;
    }
    const inner = line.slice('/e:ON /v:OFF /d /c "'.length, -1);
    assertEquals(outsideQuotes(inner).replaceAll(" ", ""), "", line);
  }
  assert(refused < 10, `${refused} vectors were refused`);
});

Deno.test("batchCommand() refuses what cmd.exe has no form for", () => {
  assertThrows(
    () => batchCommand("a.bat", ["x\r\n& calc"], false),
    TypeError,
    "line end",
  );
  assertThrows(() => batchCommand('a".bat', [], false), TypeError);
  assertThrows(() => batchCommand("a.bat\\", [], false), TypeError);
  assertThrows(() => batchCommand("a.bat", ["\ud800"], false), TypeError);
});
