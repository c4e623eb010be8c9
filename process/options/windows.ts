/**
 * Options that only Windows has: what the start-up information and the creation
 * flags of `CreateProcessW` say. Checked on every system, without effect on the
 * others.
 *
 * @module
 */

import type { WindowsSpec } from "../../backend/spec.ts";
import { flag, oneOf, shown, withoutNul } from "../validate.ts";
import { checkOptions, type Known } from "./shape.ts";

/**
 * How a child is started on Windows.
 *
 * @category Start a program
 */
export interface WindowsOptions {
  /**
   * The console of the child.
   *
   * - `"auto"`: this process's console when the child has one of its streams, else
   *   one of its own without a window. Both can be asked to end.
   * - `"hidden"`: one of its own without a window.
   * - `"own"`: one of its own in a new window.
   * - `"shared"`: that of this process, in a console group of its own.
   * - `"none"`: no console. It can then only be asked to end by its windows.
   *
   * @default {"auto"}
   */
  console?: "auto" | "hidden" | "own" | "shared" | "none";
  /**
   * How the first window of the child is shown, when the child leaves that to
   * Windows: `"hidden"` is Node's `windowsHide` for programs with windows.
   *
   * @default {"default"} as the program wants it
   */
  window?: "default" | "normal" | "hidden" | "minimized" | "maximized";
  /**
   * The desktop of the child, as `window station\desktop`.
   *
   * @default {this process's}
   */
  desktop?: string;
  /**
   * Whether members of the tree may start processes outside of it, by the flag
   * CREATE_BREAKAWAY_FROM_JOB. What leaves the tree is not ended with it, so by
   * default Windows refuses such a start with ERROR_ACCESS_DENIED; members of a
   * `Job` are always refused.
   *
   * @default {false}
   */
  breakaway?: boolean;
}

const OPTIONS: Known<WindowsOptions> = {
  console: true,
  window: true,
  desktop: true,
  breakaway: true,
};
const CONSOLES = ["auto", "hidden", "own", "shared", "none"] as const;
const WINDOWS = [
  "default",
  "normal",
  "hidden",
  "minimized",
  "maximized",
] as const;

/**
 * Checks the options.
 *
 * @param options The options, as the caller gave them.
 * @returns What the backend needs, or `null` when nothing was asked for.
 * @throws {TypeError} for an option that does not exist, or of the wrong type.
 */
export function windowsSpec(
  options: WindowsOptions | undefined,
): WindowsSpec | null {
  if (options === undefined) return null;
  checkOptions(options, "windows", OPTIONS);
  const { desktop } = options;
  if (desktop !== undefined && typeof desktop !== "string") {
    throw new TypeError(
      `Invalid windows.desktop: expected a string, got ${shown(desktop)}`,
    );
  }
  return {
    console: oneOf(options.console, "windows.console", CONSOLES),
    window: oneOf(options.window, "windows.window", WINDOWS),
    desktop: desktop === undefined
      ? null
      : withoutNul(desktop, "windows.desktop"),
    breakaway: flag(options.breakaway, "windows.breakaway", false),
  };
}
