/** Assertions about the class of a value. @module */

import { failWith } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any -- the real package's signature
type AbstractConstructor<T> = abstract new (...args: any[]) => T;

/** Asserts that a value is an instance of a class. */
export function assertInstanceOf<
  // deno-lint-ignore no-explicit-any -- the real package's signature
  T extends abstract new (...args: any[]) => any,
>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  failWith(
    `Expected object to be an instance of "${expectedType.name}" but was "${
      nameOf(actual)
    }"`,
    msg,
  );
}

/** Asserts that a value is not an instance of a class. */
export function assertNotInstanceOf<A, T>(
  actual: A,
  unexpectedType: AbstractConstructor<T>,
  msg?: string,
): asserts actual is Exclude<A, T> {
  if (!(actual instanceof unexpectedType)) return;
  failWith(
    `Expected object to not be an instance of "${unexpectedType.name}"`,
    msg,
  );
}

/** Asserts that a value is an error, of a class, with a message, as asked. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: AbstractConstructor<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    failWith(`Expected "error" to be an Error object`, msg);
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    failWith(
      `Expected error to be instance of "${ErrorClass.name}", but was "${
        nameOf(error)
      }"`,
      msg,
    );
  }
  const matches = msgMatches instanceof RegExp
    ? msgMatches.test(error.message)
    : error.message.includes(msgMatches ?? "");
  if (matches) return;
  failWith(
    `Expected error message to include ${Deno.inspect(msgMatches)}, but got ${
      Deno.inspect(error.message)
    }`,
    msg,
  );
}

function nameOf(value: unknown): string {
  return typeof value === "object" && value !== null
    ? value.constructor?.name ?? "Object"
    : String(value);
}
