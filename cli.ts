/**
 * The command line: run a program with a limit on everything it starts, and
 * look at, end and explain process trees.
 *
 *     deno run -A jsr:@killable/process/cli run --timeout 30s -- npm test
 *     deno install -g -A -n killable jsr:@killable/process/cli
 *
 * Importing this module does nothing.
 *
 * @module
 */

import { rawArguments } from "./cli/arguments/raw_arguments.ts";
import { main } from "./cli/main.ts";

export { main };

// Deno.exit: a listener for signals or a read of the terminal may be pending.
if (import.meta.main) Deno.exit(await main(rawArguments(Deno.args)));
