/**
 * The library with the backend of this operating system only: mod.ts loads both,
 * which takes a third of the time in which a short command is run.
 *
 * @module
 */

import { provideBackend } from "../backend.ts";

export { Command } from "../command.ts";
export { capabilities, killTree, processTree } from "../tree.ts";

provideBackend(
  Deno.build.os === "windows"
    ? (await import("../windows/backend.ts")).windowsBackend
    : (await import("../posix/backend.ts")).posixBackend,
);
