/**
 * Deno's run permission, asked for the program that is about to be started.
 *
 * Native calls go past Deno's sandbox; this module is what keeps
 * `--allow-run` meaning the same here as for `Deno.Command`.
 *
 * @module
 */

const ANY_PROGRAM: Deno.RunPermissionDescriptor = { name: "run" };

// Asked each time: what Deno has answered before does not change when a test's own
// permissions come into force (`Deno.test({ permissions })`), or a broker's mind.
// "partial": granted, but for what --deny-run names.
function mayRunAny(): boolean {
  const { state, partial } = Deno.permissions.querySync(ANY_PROGRAM);
  return state === "granted" && !partial;
}

/**
 * Asks for permission to run a program, prompting where Deno would prompt.
 *
 * @param path The resolved absolute path of the program.
 * @param requested The program as the caller wrote it.
 * @param loaderVariables Names of non-empty `LD_*` and `DYLD_*` variables of
 * the child; with these set, any program can be made to run any code, so they
 * need the unscoped permission. Called only when that is missing.
 * @throws {Deno.errors.NotCapable} when the permission is refused.
 */
export function checkRunPermission(
  path: string,
  requested: string,
  loaderVariables: () => readonly string[],
): void {
  if (mayRunAny()) return;
  const names = loaderVariables();
  if (names.length > 0) {
    const s = names.length === 1 ? "" : "s";
    throw new Deno.errors.NotCapable(
      `Requires --allow-run permissions to spawn subprocess with ${
        names.join(", ")
      } environment variable${s}. Alternatively, spawn with ${
        s === "" ? "the" : "these"
      } environment variable${s} unset.`,
    );
  }
  const state = Deno.permissions.requestSync({ name: "run", command: path });
  if (state.state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Requires run access to "${requested}", run again with the --allow-run flag`,
  );
}

/**
 * Asks for permission to look at, or to end, processes that this program has not
 * started, prompting where Deno would prompt: what `ps` and `kill` could do.
 *
 * @throws {Deno.errors.NotCapable} without `--allow-run` for every program, as
 * `Deno.kill` does.
 */
export function checkForeignTreePermission(): void {
  if (Deno.permissions.requestSync(ANY_PROGRAM).state === "granted") return;
  throw new Deno.errors.NotCapable(
    "Requires run access, run again with the --allow-run flag",
  );
}

/**
 * Whether a variable steers the dynamic loader.
 *
 * @param name The variable's name.
 * @returns True for `LD_*` and `DYLD_*`, in any case, as Deno decides it.
 */
export function isLoaderVariable(name: string): boolean {
  return /^\s*(LD|DYLD)_/i.test(name);
}
