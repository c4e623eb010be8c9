/**
 * The part of the library that short commands need: mod.ts loads jobs, pipelines
 * and sockets besides, in a good part of the time in which `timeout` runs `true`.
 *
 * @module
 */

import { provideBackend } from "../backend/backend.ts";

export { Command } from "../process/command.ts";
export {
  capabilities,
  explain,
  killTree,
  processTree,
} from "../process/tree.ts";

provideBackend(
  Deno.build.os === "windows"
    ? (await import("../windows/backend.ts")).windowsBackend
    : (await import("../posix/backend.ts")).posixBackend,
);
