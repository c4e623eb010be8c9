/** The program as it is installed, compiled, and imported. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compile } from "../fixtures/compile.ts";
import { denoPath, denoUnderTest } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { CLI, pathWithDeno, stdFlags } from "./program.ts";

const WINDOWS = Deno.build.os === "windows";

async function deno(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(denoUnderTest(), {
    args: [...args],
    stdin: "null",
    stdout: "null",
  }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
}

async function outputOf(
  command: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string }> {
  const { code, stdout } = await new Deno.Command(command, {
    args: [...args],
    env: { PATH: pathWithDeno() },
    stdin: "null",
    stderr: "inherit",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

Deno.test({
  name: "deno install -g makes a command of it",
  ignore: WINDOWS, // It makes a batch file there, which Deno.Command does not start.
  async fn() {
    const root = await Deno.makeTempDir();
    try {
      await deno([
        "install",
        "-g",
        "--quiet",
        "-A",
        "--root",
        root,
        "-n",
        "killable",
        "--no-lock",
        "--no-check",
        ...stdFlags(),
        CLI,
      ]);
      const path = `${root}/bin/killable`;
      const output = await outputOf(path, [
        "timeout",
        "60",
        "sh",
        "-c",
        "echo out; exit 3",
      ]);
      assertEquals(output, { code: 3, stdout: "out\n" });
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});

Deno.test("deno compile makes a program of it", async (t) => {
  const folder = await Deno.makeTempDir();
  try {
    const program = `${folder}/killable${WINDOWS ? ".exe" : ""}`;
    const { unreachable } = await compile(denoUnderTest(), [
      "--no-lock",
      ...stdFlags(),
      "--output",
      program,
      CLI,
    ]);
    await t.step({
      name: unreachable ?? "it runs",
      ignore: unreachable !== null,
      async fn() {
        const version = await outputOf(program, ["--version"]);
        assertEquals(version.code, 0);
        assertStringIncludes(version.stdout, "killable (@killable/process)");
        const late = ["timeout", "1", denoPath(), ...evalArgs(IDLE)];
        const { code } = await outputOf(program, late);
        // A program without a console may have to be killed there.
        assert(code === 124 || WINDOWS && code === 137, `${code}`);
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("importing ./cli does nothing, and gives main()", async () => {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      script,
      `import { main } from ${JSON.stringify(CLI)};
      console.log(typeof main, await main(["--version"]));`,
    );
    const { code, stdout } = await outputOf(denoUnderTest(), [
      "run",
      "--quiet",
      "--no-lock",
      "--no-check",
      ...stdFlags(),
      "--no-prompt",
      script,
    ]);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "function 0\n");
  } finally {
    await Deno.remove(script);
  }
});

Deno.test("mod.ts does not load the command line, nor anything remote", async () => {
  const { stdout } = await outputOf(denoUnderTest(), [
    "info",
    "--json",
    "--no-lock",
    ...stdFlags(),
    import.meta.resolve("../../mod.ts"),
  ]);
  const { modules } = JSON.parse(stdout) as {
    modules: { specifier: string }[];
  };
  const root = import.meta.resolve("../../");
  const others = modules.map(({ specifier }) => specifier).filter((one) =>
    !one.startsWith(root) || one.startsWith(`${root}cli`) ||
    one.startsWith(`${root}tests/`)
  );
  assertEquals(others, []);
});
