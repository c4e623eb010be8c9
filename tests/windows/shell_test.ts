/** The option `shell` on Windows: `cmd.exe`. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Command, type CommandOptions } from "../../mod.ts";
import { ignore, openLibraries } from "./support.ts";

Deno.test.beforeAll(openLibraries);

Deno.test({
  name:
    "shell: cmd.exe runs a command line as it stands, and its tree is ended",
  ignore,
  async fn() {
    const run = async (line: string) => {
      const result = await new Command(line, { shell: true }).output();
      return [result.code, new TextDecoder().decode(result.stdout)];
    };
    assertEquals(await run("echo a&& echo b& exit 3"), [3, "a\r\nb\r\n"]);
    assertEquals(await run('echo "a & b" "c"'), [0, '"a & b" "c"\r\n']);
    assertEquals(await run('"cmd" /c "exit 4"'), [4, ""]);
    assertEquals(await run("echo ^& \\ ' %%"), [0, "& \\ ' %%\r\n"]);
    const late = await new Command(
      `"${Deno.execPath()}" eval --no-config "setInterval(() => {}, 1000)"`,
      { shell: true, timeout: 300, grace: 1000 },
    ).output();
    assert(late.timedOut);
    assertEquals(late.report?.survivors, 0);
  },
});

Deno.test({
  name: "shell: what cmd.exe would cut off, and another shell, are refused",
  ignore,
  fn() {
    const refusal = (line: string, options: CommandOptions = {}) =>
      assertThrows(() =>
        new Command(line, { shell: true, ...options }).spawn()
      );
    for (const line of ["echo a\necho b", "a\r", "a\0", "x".repeat(8200)]) {
      assert(refusal(line) instanceof TypeError);
    }
    assert(refusal("x", { args: ["y"] }) instanceof TypeError);
    const other = refusal("x", { shell: "C:\\bash.exe" });
    assert(other instanceof Deno.errors.NotSupported);
  },
});
