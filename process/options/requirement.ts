/**
 * The check of `require`: what must hold, or nothing is started.
 *
 * @module
 */

import type { Requirement } from "../../backend/requirement.ts";
import { checkOptions, flag, type Known, shown } from "../validate.ts";

const REQUIREMENTS: Known<Requirement> = {
  holdsEscapees: true,
  endsWithParent: true,
  limits: true,
};

/**
 * Validates what is required.
 *
 * @param value The option.
 * @param ends Whether the tree is to end with this process.
 * @returns What must hold; `null` for nothing.
 * @throws {TypeError} for anything of the wrong type, and for a contradiction.
 */
export function requirement(value: unknown, ends: boolean): Requirement | null {
  if (value === undefined) return null;
  checkOptions(value, "require", REQUIREMENTS);
  const given = value as Requirement;
  const { limits } = given;
  if (limits !== undefined && limits !== "kernel") {
    throw new TypeError(
      `Invalid require.limits: expected "kernel", got ${shown(limits)}`,
    );
  }
  const endsWithParent = flag(
    given.endsWithParent,
    "require.endsWithParent",
    false,
  );
  if (endsWithParent && !ends) {
    throw new TypeError(
      "Invalid require: 'endsWithParent' contradicts 'detached' and 'killOnParentExit: false'",
    );
  }
  return {
    holdsEscapees: flag(given.holdsEscapees, "require.holdsEscapees", false),
    endsWithParent,
    ...limits === undefined ? {} : { limits },
  };
}
