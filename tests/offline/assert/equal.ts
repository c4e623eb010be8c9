/**
 * Whether two values are deeply equal. By hand, because `node:assert` means
 * something else: it tells `0` from `-0` and a null prototype from `Object`'s.
 */
export function equal(a: unknown, b: unknown): boolean {
  return new Comparison().compare(a, b);
}

/** One comparison; remembers the pairs it is inside of, so that cycles end. */
class Comparison {
  readonly #open = new Map<object, object>();

  compare(a: unknown, b: unknown): boolean {
    if (a === b || Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b)) return false;
    if (a instanceof WeakMap || a instanceof WeakSet) {
      throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
    }
    if (!samePrototype(a, b)) return false;
    if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
    if (a instanceof WeakRef) {
      return this.compare(a.deref(), (b as WeakRef<WeakKey>).deref());
    }
    const bytes = elements(a);
    if (bytes !== null) return sameElements(bytes, elements(b)!);
    if (this.#open.get(a) === b) return true;
    this.#open.set(a, b);
    const same = this.#sameInside(a, b);
    this.#open.delete(a);
    return same;
  }

  #sameInside(a: object, b: object): boolean {
    if (Object.keys(a).length !== Object.keys(b).length) return false;
    if (a instanceof Set) return this.#sameSet(a, b as Set<unknown>);
    if (a instanceof Map) return this.#sameMap(a, b as Map<unknown, unknown>);
    if (isText(a)) return String(a) === String(b);
    return this.#sameProperties(a, b);
  }

  #sameSet(a: Set<unknown>, b: Set<unknown>): boolean {
    return a.size === b.size &&
      [...a].every((x) => b.has(x) || [...b].some((y) => this.compare(x, y)));
  }

  #sameMap(a: Map<unknown, unknown>, b: Map<unknown, unknown>): boolean {
    return a.size === b.size &&
      [...a].every(([key, value]) =>
        b.has(key) ? this.compare(value, b.get(key)) : [...b].some(
          ([otherKey, otherValue]) =>
            this.compare(key, otherKey) && this.compare(value, otherValue),
        )
      );
  }

  #sameProperties(a: object, b: object): boolean {
    const plain = isPlain(a);
    const keys = new Set([...keysOf(a, plain), ...keysOf(b, plain)]);
    for (const key of keys) {
      if ((key in a) !== (key in b)) return false;
      if (!this.compare(Reflect.get(a, key), Reflect.get(b, key))) return false;
    }
    return true;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Objects without a prototype count as plain objects. */
function samePrototype(a: object, b: object): boolean {
  const of = (value: object) =>
    Object.getPrototypeOf(value) ?? Object.prototype;
  return of(a) === of(b);
}

/** The numbers in a typed array or buffer; `null` for anything else. */
function elements(value: object): ArrayLike<number | bigint> | null {
  if (ArrayBuffer.isView(value)) {
    return value instanceof DataView
      ? null
      : value as Uint8Array | BigUint64Array;
  }
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer
    ? new Uint8Array(value)
    : null;
}

function sameElements(
  a: ArrayLike<number | bigint>,
  b: ArrayLike<number | bigint>,
): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  }
  return true;
}

/** Objects that are wholly described by their text. */
function isText(value: object): boolean {
  return value instanceof RegExp || value instanceof URL ||
    value instanceof URLSearchParams || value instanceof Intl.Locale;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ||
    prototype === Array.prototype;
}

/**
 * Enumerable keys of a plain object; of others all keys up the prototype
 * chain, since what they hold may stand behind getters.
 */
function keysOf(value: object, plain: boolean): PropertyKey[] {
  if (plain) {
    return Reflect.ownKeys(value).filter((key) =>
      Object.prototype.propertyIsEnumerable.call(value, key)
    );
  }
  const keys: PropertyKey[] = [];
  for (
    let at: object | null = value;
    at !== null && at !== Object.prototype && at !== Array.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    keys.push(...Reflect.ownKeys(at));
  }
  return keys;
}
