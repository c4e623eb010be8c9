/** Files of environment variables. */

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../cli/arguments/operands.ts";
import { parseEnvFile } from "../../../cli/run/env_file.ts";

Deno.test("an env file: comments, quotes, escapes, several lines", () => {
  const text = `\uFEFF# comment
A=plain value # with a comment
export B = "a\\tb\\n\\"c\\" $A" # another
C='raw \\n $A'\r
D=
E="two
lines"
F=a#b
  G='x'`;
  assertEquals(parseEnvFile(text, "f"), {
    A: "plain value",
    B: 'a\tb\n"c" $A',
    C: "raw \\n $A",
    D: "",
    E: "two\nlines",
    F: "a#b",
    G: "x",
  });
});

Deno.test("a line that assigns nothing is named, and nothing of it is shown", () => {
  for (const text of ["A=1\n\nno secret here", 'A=1\n\nB="open', "A=1\n\n=x"]) {
    const error = assertThrows(() => parseEnvFile(text, ".env"), UsageError);
    assertEquals(
      error.message,
      ".env, line 3: expected NAME=value, a comment or an empty line",
    );
  }
});
