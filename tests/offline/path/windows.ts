/** Stand-in for `@std/path/windows`: what this project uses of it. @module */

import { win32 as nodePath } from "node:path";
import { type Flavour, flavour } from "./flavour.ts";

export type { ParsedPath } from "./flavour.ts";

/** Separator of the entries of a search path. */
export const DELIMITER = ";" as const;
/** Separator of the parts of a path. */
export const SEPARATOR = "\\" as const;

const functions = flavour(nodePath, true);
/** See {@linkcode Flavour.basename}. */
export const basename: Flavour["basename"] = functions.basename;
/** See {@linkcode Flavour.dirname}. */
export const dirname: Flavour["dirname"] = functions.dirname;
/** See {@linkcode Flavour.extname}. */
export const extname: Flavour["extname"] = functions.extname;
/** See {@linkcode Flavour.fromFileUrl}. */
export const fromFileUrl: Flavour["fromFileUrl"] = functions.fromFileUrl;
/** See {@linkcode Flavour.isAbsolute}. */
export const isAbsolute: Flavour["isAbsolute"] = functions.isAbsolute;
/** See {@linkcode Flavour.join}. */
export const join: Flavour["join"] = functions.join;
/** See {@linkcode Flavour.normalize}. */
export const normalize: Flavour["normalize"] = functions.normalize;
/** See {@linkcode Flavour.parse}. */
export const parse: Flavour["parse"] = functions.parse;
/** See {@linkcode Flavour.relative}. */
export const relative: Flavour["relative"] = functions.relative;
/** See {@linkcode Flavour.resolve}. */
export const resolve: Flavour["resolve"] = functions.resolve;
/** See {@linkcode Flavour.toFileUrl}. */
export const toFileUrl: Flavour["toFileUrl"] = functions.toFileUrl;
