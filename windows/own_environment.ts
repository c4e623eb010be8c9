/**
 * This process's environment, read natively: as with `Deno.Command`, a child
 * inherits it without the permission to read it.
 *
 * Page: "GetEnvironmentStringsW function".
 *
 * @module
 */

import { viewAt } from "../ffi/pointer.ts";
import { readWideList } from "../ffi/wide_string.ts";
import { type Environment, parseEnvironment } from "./spawn/environment.ts";
import { windowsError } from "./system/errors.ts";
import { processes } from "./system/kernel32.ts";

/**
 * The variables of this process.
 *
 * @returns Names and values, `=C:` entries included.
 * @throws {SystemError} when Windows has no memory for a copy.
 */
export function ownEnvironment(): Environment {
  const k = processes();
  const address = k.GetEnvironmentStringsW();
  const code = address === 0n ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "GetEnvironmentStringsW");
  try {
    return parseEnvironment(readWideList(viewAt(address)));
  } finally {
    k.FreeEnvironmentStringsW(address);
  }
}
