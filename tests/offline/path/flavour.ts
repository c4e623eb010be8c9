/**
 * Makes the functions of `@std/path` for one operating system out of those of
 * `node:path`. The differences: `@std/path` takes URLs, names a root by its
 * separator where Node gives the empty string, and never removes a whole name
 * as the suffix of itself.
 *
 * @module
 */

import type { PlatformPath } from "node:path";
import { fromFileUrl, toFileUrl } from "./file_url.ts";

/** A path taken apart. */
export interface ParsedPath {
  /** Root, such as `/` or `C:\`. */
  root: string;
  /** Everything before the last part. */
  dir: string;
  /** The last part. */
  base: string;
  /** Extension of the last part, with its dot. */
  ext: string;
  /** The last part without its extension. */
  name: string;
}

/** The functions that exist once for each operating system. */
export interface Flavour {
  /** Last part of a path, without `suffix`. */
  basename(path: string | URL, suffix?: string): string;
  /** Everything before the last part. */
  dirname(path: string | URL): string;
  /** Extension of the last part, with its dot. */
  extname(path: string | URL): string;
  /** Path of a `file:` URL. */
  fromFileUrl(url: string | URL): string;
  /** Whether a path starts at a root. */
  isAbsolute(path: string): boolean;
  /** Parts put together and normalized. */
  join(path: string | URL, ...paths: string[]): string;
  /** A path without `.`, `..` and doubled separators. */
  normalize(path: string | URL): string;
  /** A path taken apart. */
  parse(path: string): ParsedPath;
  /** The way from one path to another. */
  relative(from: string, to: string): string;
  /** Absolute path, from right to left, then from the working directory. */
  resolve(...pathSegments: string[]): string;
  /** `file:` URL of an absolute path. */
  toFileUrl(path: string): URL;
}

/** Makes one flavour. */
export function flavour(path: PlatformPath, windows: boolean): Flavour {
  const text = (of: string | URL): string =>
    of instanceof URL ? fromFileUrl(of, windows) : of;
  return {
    basename: (of, suffix = "") => {
      const whole = text(of);
      const base = path.basename(whole);
      if (base === "" && (windows ? /[\\/]$/ : /\/$/).test(whole)) {
        return path.sep;
      }
      return suffix !== "" && base !== suffix && base.endsWith(suffix)
        ? base.slice(0, -suffix.length)
        : base;
    },
    dirname: (of) => path.dirname(text(of)),
    extname: (of) => path.extname(text(of)),
    fromFileUrl: (url) => fromFileUrl(url, windows),
    isAbsolute: (of) => path.isAbsolute(of),
    join: (first, ...rest) => path.join(text(first), ...rest),
    normalize: (of) => path.normalize(text(of)),
    parse: (of) => path.parse(of),
    relative: (from, to) => path.relative(from, to),
    resolve: (...segments) => path.resolve(...segments),
    toFileUrl: (of) => {
      if (!path.isAbsolute(of)) {
        throw new TypeError(`Path must be absolute: received "${of}"`);
      }
      return toFileUrl(of, windows);
    },
  };
}
