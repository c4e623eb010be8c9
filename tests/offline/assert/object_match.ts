import { equal } from "./equal.ts";
import { failWith } from "./assertion_error.ts";

/**
 * Asserts that everything in `expected` is in `actual` too: nested objects and
 * maps may have more keys, arrays more elements at their end, sets more members.
 */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- the real package's signature
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  if (includes(actual, expected, new Map())) return;
  failWith(
    `Values are not equal: ${Deno.inspect(actual)} does not match ${
      Deno.inspect(expected)
    }`,
    msg,
  );
}

function includes(
  actual: unknown,
  expected: unknown,
  open: Map<object, unknown>,
): boolean {
  if (!isContainer(expected) || !isContainer(actual)) {
    return equal(actual, expected);
  }
  // A pair met again inside itself adds nothing: cyclic values end here.
  if (open.get(expected) === actual) return true;
  open.set(expected, actual);
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && actual.length >= expected.length &&
      expected.every((value, i) => includes(actual[i], value, open));
  }
  if (expected instanceof Map) {
    return actual instanceof Map &&
      [...expected].every(([key, value]) =>
        actual.has(key) && includes(actual.get(key), value, open)
      );
  }
  if (expected instanceof Set) {
    return actual instanceof Set && [...expected].every((v) => actual.has(v));
  }
  return Reflect.ownKeys(expected).every((key) =>
    Object.hasOwn(actual, key) &&
    includes(Reflect.get(actual, key), Reflect.get(expected, key), open)
  );
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null &&
    !(value instanceof RegExp) && !(value instanceof Date);
}
