/**
 * Makes this Deno believe that it runs on a Mac with Apple's processor. Given to
 * `deno test --preload`.
 *
 * @module
 */

import { hideProc } from "./hidden_proc.ts";
import { openLibSystem } from "./libsystem.ts";
import { realDlopen } from "./real_libc.ts";

const LIBSYSTEM = "/usr/lib/libSystem.B.dylib";

Object.defineProperty(Deno, "dlopen", {
  value: (path: string, symbols: Deno.ForeignLibraryInterface) =>
    path === LIBSYSTEM ? openLibSystem(symbols) : realDlopen(path, symbols),
});
hideProc();
// Last: the modules above would open the Mac's library themselves.
Object.defineProperty(Deno, "build", {
  value: { ...Deno.build, os: "darwin", arch: "aarch64", vendor: "apple" },
});
