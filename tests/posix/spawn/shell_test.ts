/** A command line in a shell, quoting, and the name a program is told. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Command, quote } from "../../../mod.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const ignore = Deno.build.os === "windows";
const SHELLS = ["/bin/sh", "/bin/dash", "/bin/bash", "/bin/ksh", "/bin/zsh"];

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

// Words that some rule of a shell would change, each alone and in pairs.
function hostile(): string[] {
  const words = [
    "",
    " ",
    "'",
    '"',
    "\\",
    "$HOME",
    "`id`",
    "$(id)",
    "*",
    "?",
    "[a]",
  ];
  words.push(
    "~",
    "~root",
    "#",
    "a#b",
    "!",
    "!!",
    "&",
    ";",
    "|",
    "<",
    ">",
    "(",
    ")",
  );
  words.push(
    "{a,b}",
    "a=b",
    "-n",
    "--",
    "\n",
    "\r\n",
    "\t",
    "\\n",
    "\u001b",
    "\u007f",
  );
  words.push("%s", "^", "ä€😀", "it's", "''", "'\\''", "\\'", "x".repeat(5000));
  const pairs = words.flatMap((a) =>
    words.map((b) => a.slice(0, 9) + b.slice(0, 9))
  );
  return words.concat(pairs);
}

for (const shell of SHELLS) {
  Deno.test({
    name: `quote(): ${shell} takes each word as it is`,
    ignore: ignore || !exists(shell),
    async fn() {
      const words = hostile();
      const line = quote(["printf", "%s\\0", ...words]);
      const { code, stdout } = await new Command(line, { shell }).output();
      const got = new TextDecoder().decode(stdout).split("\0");
      assertEquals([code, got.pop()], [0, ""]);
      assertEquals(got, words);
    },
  });
}

Deno.test({
  name: "shell: a command line is run by a shell, whose tree is ended with it",
  ignore,
  async fn() {
    const run = await new Command("echo a | tr a b; exit 3", { shell: true })
      .output();
    assertEquals([run.code, run.text()], [3, "b\n"]);
    // Not an option of the shell.
    const dash = await new Command("-x", { shell: true, stderr: "null" })
      .output();
    assertEquals(dash.code, 127);
    const late = await new Command("sleep 100 & sleep 100 | cat", {
      shell: true,
      timeout: 300,
    }).output();
    assert(late.timedOut);
    assertEquals(late.report?.survivors, 0);
  },
});

Deno.test({
  name:
    "shell: arguments beside the command line, and wrong types, are refused",
  ignore,
  fn() {
    // deno-lint-ignore no-explicit-any
    const start = (command: any, options: any) => () =>
      new Command(command, options).spawn();
    assertThrows(
      start("true", { shell: true, args: ["x"] }),
      TypeError,
      "quote()",
    );
    assertThrows(start("true", { shell: 1 }), TypeError, "shell");
    assertThrows(start("true", { shell: "" }), TypeError, "shell");
    assertThrows(
      start(new URL("file:///bin/true"), { shell: true }),
      TypeError,
    );
    assertThrows(start("a\0b", { shell: true }), TypeError, "NUL");
    assertThrows(start("true", { shell: "/none" }), Deno.errors.NotFound);
    assertThrows(start("true", { argv0: 5 }), TypeError, "argv0");
    assertThrows(start("true", { argv0: "a\0" }), TypeError, "NUL");
    // deno-lint-ignore no-explicit-any
    for (const bad of ["x", null, [1], ["a\0"]] as any[]) {
      assertThrows(() => quote(bad), TypeError);
    }
  },
});

Deno.test({
  name: "argv0: the program is told another name than its own",
  ignore,
  async fn() {
    const args = ["-c", "echo $0"];
    const ways = [{}, { umask: 0o77 }];
    for (const argv0 of ["renamed", "-login", ""]) {
      const options = { args, argv0 };
      for (const more of ways) {
        const run = await new Command("sh", { ...options, ...more }).output();
        assertEquals(run.lines()[0], argv0);
      }
    }
    const plain = await new Command("sh", { args }).output();
    assert(plain.lines()[0]?.endsWith("/sh"));
  },
});
