// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * The one test command: `deno task test [--offline] [FLAGS] [PATHS]`. Flags and
 * paths go to `deno test`; without paths, all tests of this operating system
 * and the examples in the documentation are run. With `--ok` the static checks
 * come first, with `--static` they are all. The last line sums up.
 *
 * @module
 */

import { readArguments } from "./runner/arguments.ts";
import { runExamples, runFolders, runTests } from "./runner/run_tests.ts";
import { staticChecks } from "./runner/static_checks.ts";
import { chooseStd } from "./runner/std.ts";
import { documentedFiles, testFolders } from "./runner/suites.ts";
import { Tally } from "./runner/tally.ts";

const { checks, tests, offline, flags, paths } = readArguments(Deno.args);
const std = await chooseStd(offline);
console.log(std.line);

const tally = new Tally();
if (checks) tally.add(await staticChecks(std));
if (tests) {
  const given = [...std.flags, ...flags];
  tally.add(
    paths.length > 0
      ? await runTests([...given, ...paths])
      : await runFolders(given, await testFolders()),
  );
  // A run of something in particular leaves the examples out.
  const all = paths.length === 0 &&
    !flags.some((flag) => flag.startsWith("--filter"));
  if (all) {
    const files = await documentedFiles();
    if (files.length === 0) {
      console.log("Examples in the documentation: need a newer Deno");
    } else {
      console.log("\n== the examples in the documentation");
      tally.add(await runExamples([...std.flags, ...flags, ...files]));
    }
  }
}
console.log(String(tally));
Deno.exit(tally.ok ? 0 : 1);
