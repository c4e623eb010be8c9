/** Stand-in for `@std/cli`: what this project uses of it. @module */

export { parseArgs } from "./parse_args.ts";
export type { Args, ParseOptions } from "./types.ts";
