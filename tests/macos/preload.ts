/**
 * Makes this Deno believe that it runs on a Mac with Apple's processor. Given to
 * `deno test --preload` and, by `bin/deno`, to the scripts that tests run. Needs no
 * permission but that for FFI, and without it leaves Deno to refuse that.
 *
 * @module
 */

const LIBSYSTEM = "/usr/lib/libSystem.B.dylib";
const realDlopen = Deno.dlopen;
const { state } = Deno.permissions.querySync({ name: "ffi" });

if (state === "granted") {
  const { LibSystemPointer, openLibSystem } = await import("./libsystem.ts");
  const { hideProc } = await import("./hidden_proc.ts");
  const { beginProcesses } = await import("./processes.ts");
  Object.defineProperty(Deno, "dlopen", {
    value: (path: string, symbols: Deno.ForeignLibraryInterface) =>
      path === LIBSYSTEM ? openLibSystem(symbols) : realDlopen(path, symbols),
  });
  Object.defineProperty(Deno, "UnsafeFnPointer", { value: LibSystemPointer });
  beginProcesses(`${import.meta.dirname}/bin`);
  hideProc();
}
// Last: the modules above would open the Mac's library themselves.
Object.defineProperty(Deno, "build", {
  value: { ...Deno.build, os: "darwin", arch: "aarch64", vendor: "apple" },
});
