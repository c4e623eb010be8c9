/**
 * File URLs to paths and back, for either operating system on either. By hand,
 * because `node:url` refuses Windows URLs without a drive.
 *
 * @module
 */

/** Path of a `file:` URL. */
export function fromFileUrl(url: string | URL, windows: boolean): string {
  const { protocol, hostname, pathname } = new URL(url);
  if (protocol !== "file:") {
    throw new TypeError(`URL must be a file URL: received "${protocol}"`);
  }
  // A lone percent sign stands for itself.
  const text = pathname.replace(/%(?![\da-f]{2})/gi, "%25");
  if (!windows) return decodeURIComponent(text);
  const path = decodeURIComponent(text.replaceAll("/", "\\"))
    .replace(/^\\+([a-z]:)(?:\\|$)/i, "$1\\");
  return hostname === "" ? path : `\\\\${hostname}${path}`;
}

/** `file:` URL of an absolute path. */
export function toFileUrl(path: string, windows: boolean): URL {
  const share = windows ? /^[\\/]{2}([^\\/]+)(?=[\\/])/.exec(path) : null;
  const rest = path.slice(share?.[0].length ?? 0);
  const url = new URL("file:///");
  url.pathname = rest.replaceAll("%", "%25")
    .replaceAll("\\", windows ? "/" : "%5C")
    .replace(/^\/+/, "/")
    // The URL parser drops these instead of encoding them.
    .replace(/[\t\n\v\f\r ]/g, encodeURIComponent);
  const host = share?.[1];
  if (host !== undefined && host !== "localhost") {
    url.hostname = host;
    if (url.hostname === "") throw new TypeError(`Invalid hostname: "${host}"`);
  }
  return url;
}
