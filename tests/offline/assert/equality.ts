/** Assertions that two values are, or are not, the same. @module */

import { AssertionError as NodeAssertionError } from "node:assert";
import { equal } from "./equal.ts";
import { failWith } from "./assertion_error.ts";

/** Asserts that two values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  failWith("Values are not equal", withDiff(actual, expected, msg));
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  failWith(`Expected actual: ${Deno.inspect(actual)} not to be equal`, msg);
}

/** Asserts that two values are identical, as `Object.is` sees it. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  failWith("Values are not strictly equal", withDiff(actual, expected, msg));
}

/** Asserts that two values are not identical, as `Object.is` sees it. */
export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!Object.is(actual, expected)) return;
  failWith(`Expected actual: ${Deno.inspect(actual)} not to be identical`, msg);
}

/** Asserts that two numbers differ by `tolerance` at most. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ??
    (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (Math.abs(expected - actual) <= allowed) return;
  failWith(`Expected ${actual} to be within ${allowed} of ${expected}`, msg);
}

/** The caller's message followed by the difference as Node draws it. */
function withDiff(actual: unknown, expected: unknown, msg?: string): string {
  const { message } = new NodeAssertionError({
    actual,
    expected,
    operator: "deepStrictEqual",
  });
  return `${msg ?? ""}\n${message}`;
}
