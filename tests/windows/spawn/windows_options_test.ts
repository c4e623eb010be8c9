import { assertEquals, assertRejects } from "@std/assert";
import { Command, type WindowsOptions } from "../../../mod.ts";
import { fixture, ignore, openLibraries } from "../support.ts";

Deno.test.beforeAll(openLibraries);

/** What the fixture `started` prints when it is started with these options. */
async function report(
  windows: WindowsOptions | undefined,
): Promise<Record<string, unknown>> {
  const { stdout } = await new Command(Deno.execPath(), {
    args: fixture("started"),
    ...(windows === undefined ? {} : { windows }),
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test({
  name: "windows.breakaway lets a member leave the tree, which is else refused",
  ignore,
  async fn() {
    assertEquals((await report(undefined)).leaves, false);
    assertEquals((await report({})).leaves, false);
    assertEquals((await report({ breakaway: true })).leaves, true);
  },
});

Deno.test({
  name: "windows.console none is a child without a console, hidden one with",
  ignore,
  async fn() {
    assertEquals((await report({ console: "none" })).console, false);
    assertEquals((await report({ console: "hidden" })).console, true);
    assertEquals((await report({ console: "own" })).console, true);
  },
});

Deno.test({
  name: "windows.window is how the first window of the child is shown",
  ignore,
  async fn() {
    assertEquals((await report({})).show, null);
    assertEquals((await report({ window: "hidden" })).show, 0);
    assertEquals((await report({ window: "minimized" })).show, 7);
  },
});

Deno.test({
  name: "windows.desktop is the desktop of the child",
  ignore,
  async fn() {
    const desktop = "WinSta0\\Default";
    assertEquals((await report({ desktop })).desktop, desktop);
  },
});

Deno.test({
  name: "a batch file with more than cmd.exe takes is refused, not cut off",
  ignore,
  async fn() {
    const script = await Deno.makeTempFile({ suffix: ".bat" });
    await Deno.writeTextFile(script, "@echo %~1\r\n");
    const run = async (length: number) =>
      await new Command(script, { args: ["x".repeat(length)] }).output();
    const { stdout } = await run(2_000);
    assertEquals(new TextDecoder().decode(stdout).trim(), "x".repeat(2_000));
    await assertRejects(() => run(8_200), Error, "at most 8191");
    await Deno.remove(script);
  },
});
