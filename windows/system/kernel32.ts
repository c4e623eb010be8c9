/**
 * The functions of kernel32 (and a few of ntdll and user32), in groups that are
 * opened when first needed.
 *
 * Every group has its own `GetLastError`, so that the reading discipline is
 * visible at each call: `const code = ok ? 0 : k.GetLastError()`, with nothing
 * in between. Opening a library in between would change the value.
 *
 * HANDLE, SIZE_T, ULONG_PTR and addresses are `usize`, which is a bigint. BOOL
 * is `i32`, DWORD is `u32`. A `buffer` parameter takes `null` for NULL.
 *
 * @module
 */

export { consoles, windowing } from "../console_symbols.ts";
export { io } from "../io_symbols.ts";
export { nt } from "../nt_symbols.ts";
export {
  accounting,
  jobs,
  messages,
  processes,
  scheduling,
  table,
} from "../process_symbols.ts";
