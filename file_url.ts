/**
 * The path that a file URL names.
 *
 * @module
 */

import { backend } from "./backend.ts";

/**
 * The path that a file URL names, as Deno reads it.
 *
 * @param url The URL.
 * @returns The path, in the spelling of this operating system.
 * @throws {TypeError} for a URL of another kind.
 */
export function fileUrlPath(url: URL): string {
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
