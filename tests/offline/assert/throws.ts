/** Assertions that a function throws or rejects. @module */

import { failWith } from "./assertion_error.ts";
import { assertIsError } from "./kind.ts";

// deno-lint-ignore no-explicit-any -- the real package's signature
type ErrorConstructor<E> = abstract new (...args: any[]) => E;

/** Asserts that a function throws, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that a function throws such an error, and returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClassOrMsg?: ErrorConstructor<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const wanted = readWanted(errorClassOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    return check(error, wanted);
  }
  failWith("Expected function to throw", wanted.msg);
}

/** Asserts that a promise is rejected, and returns the reason. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Asserts that a promise is rejected with such an error, and returns it. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClassOrMsg?: ErrorConstructor<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const wanted = readWanted(errorClassOrMsg, msgIncludes, msg);
  // A function that throws, or returns no promise, has not rejected.
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    failWith("Function throws when expected to reject", wanted.msg);
  }
  if (typeof promise?.then !== "function") {
    failWith("Function throws when expected to reject", wanted.msg);
  }
  try {
    await promise;
  } catch (error) {
    return check(error, wanted);
  }
  failWith("Expected function to reject", wanted.msg);
}

interface Wanted<E> {
  readonly errorClass: ErrorConstructor<E> | undefined;
  readonly includes: string | undefined;
  readonly msg: string | undefined;
}

function readWanted<E>(
  errorClassOrMsg: ErrorConstructor<E> | string | undefined,
  includes: string | undefined,
  msg: string | undefined,
): Wanted<E> {
  return typeof errorClassOrMsg === "string"
    ? { errorClass: undefined, includes: undefined, msg: errorClassOrMsg }
    : { errorClass: errorClassOrMsg, includes, msg };
}

function check<E extends Error>(error: unknown, wanted: Wanted<E>): unknown {
  if (wanted.errorClass !== undefined) {
    assertIsError(error, wanted.errorClass, wanted.includes, wanted.msg);
  }
  return error;
}
