/**
 * Paths that a caller gave as a string or as a file URL.
 *
 * @module
 */

import { backend } from "./backend/backend.ts";
import { withoutNul } from "./process/validate.ts";

/**
 * Validates a path.
 *
 * @param value A path, or a file URL.
 * @param name For messages.
 * @returns The path.
 * @throws {TypeError} when it is neither, or contains a NUL.
 */
export function pathOf(value: string | URL, name: string): string {
  let path: unknown = value;
  if (value instanceof URL) path = fileUrlPath(value);
  if (typeof path !== "string") {
    throw new TypeError(`Invalid ${name}: expected a string or a file URL`);
  }
  return withoutNul(path, name);
}

function fileUrlPath(url: URL): string {
  if (url.protocol !== "file:") throw new TypeError("Must be a file URL");
  if (backend().name === "posix") {
    // A literal % that is no escape stays what it is, as in Deno.
    return decodeURIComponent(
      url.pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"),
    );
  }
  const path = decodeURIComponent(
    url.pathname.replace(/^\/*([A-Za-z]:)(\/|$)/, "$1/").replace(/\//g, "\\")
      .replace(/%(?![0-9A-Fa-f]{2})/g, "%25"),
  );
  return url.hostname === "" ? path : `\\\\${url.hostname}${path}`;
}
