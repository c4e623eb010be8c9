/**
 * Makes this Deno believe that it runs on a Mac with Apple's processor. Given to
 * `deno test --preload`.
 *
 * @module
 */

import { hideProc } from "./hidden_proc.ts";
import { openLibSystem } from "./libsystem.ts";
import { beginProcesses } from "./processes.ts";
import { realDlopen } from "./real_libc.ts";

const LIBSYSTEM = "/usr/lib/libSystem.B.dylib";

Object.defineProperty(Deno, "dlopen", {
  value: (path: string, symbols: Deno.ForeignLibraryInterface) =>
    path === LIBSYSTEM ? openLibSystem(symbols) : realDlopen(path, symbols),
});
// Deno gives a worker the same modules first: one who watches is enough.
if (!("WorkerGlobalScope" in globalThis)) beginProcesses();
hideProc();
const tools = import.meta.dirname + "/bin";
Deno.env.set("PATH", `${tools}:${Deno.env.get("PATH")}`);
// Last: the modules above would open the Mac's library themselves.
Object.defineProperty(Deno, "build", {
  value: { ...Deno.build, os: "darwin", arch: "aarch64", vendor: "apple" },
});
