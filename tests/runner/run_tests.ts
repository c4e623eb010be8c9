// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
import { denoUnderTest } from "../fixtures/deno.ts";
import {
  type FailedTest,
  failedTests,
  readJunit,
  repeatCommand,
} from "./junit.ts";
import { PROJECT } from "./project.ts";
import { Tally } from "./tally.ts";

/**
 * The sanitizers are off by default since Deno 2.8. Variables, because the
 * flags and the settings in `deno.json` are errors for an older Deno.
 */
const SANITIZE_OPS = { DENO_TEST_SANITIZE_OPS: "1" };
const SANITIZE_ALL = { ...SANITIZE_OPS, DENO_TEST_SANITIZE_RESOURCES: "1" };

/**
 * Runs test files with `deno test`, and counts. Files in which something failed
 * are run once more, by themselves: what fails again has failed. A machine that
 * others use at the same time can be too slow for the sanitizer's patience with
 * what was just closed. What needed a second run is named.
 */
export async function runTests(args: readonly string[]): Promise<Tally> {
  const { tally, failed } = await denoTest(args, SANITIZE_ALL);
  const files = [...new Set(failed.map(({ file }) => file))];
  if (files.length === 0) return tally;
  // A value that stands apart from its flag would be taken for a path.
  if (files.length > MOST_AGAIN || args.includes("--filter")) {
    sayHowToRepeat(failed);
    return tally;
  }
  console.log(`\nonce more: ${files.join(", ")}`);
  const flags = args.filter((one) => one.startsWith("-"));
  const again = await denoTest([...flags, ...files], SANITIZE_ALL);
  sayHowToRepeat(again.failed);
  const recovered = tally.failed - again.tally.failed;
  console.log(`second run: ${again.tally}; passed only then: ${recovered}`);
  tally.passed += Math.max(recovered, 0);
  tally.failed = again.tally.failed;
  return tally;
}

/** The most commands that are shown. */
const MOST_SHOWN = 10;

function sayHowToRepeat(failed: readonly FailedTest[]): void {
  if (failed.length === 0) return;
  console.log("\nto repeat what failed:");
  for (const test of failed.slice(0, MOST_SHOWN)) {
    console.log(`  ${repeatCommand(test)}`);
  }
  const more = failed.length - MOST_SHOWN;
  if (more > 0) console.log(`  and ${more} more`);
}

/**
 * Runs the tests of several folders, one folder after the other, with a line
 * before each that says how far it is.
 */
export async function runFolders(
  flags: readonly string[],
  folders: readonly string[],
): Promise<Tally> {
  const tally = new Tally();
  const started = performance.now();
  for (const [index, folder] of folders.entries()) {
    const seconds = Math.round((performance.now() - started) / 1000);
    console.log(
      `\n== ${index + 1} of ${folders.length}: ${folder}; ` +
        `${tally} so far, after ${seconds} s`,
    );
    tally.add(await runTests([...flags, folder]));
  }
  return tally;
}

// More files than these have not failed by chance.
const MOST_AGAIN = 6;

/**
 * Runs the examples in documentation, and counts. An example is the first to
 * use the library in its module and opens the system's libraries for good,
 * which the sanitizer of resources would take for a leak.
 */
export async function runExamples(args: readonly string[]): Promise<Tally> {
  return (await denoTest(["--doc", ...args], SANITIZE_OPS)).tally;
}

async function denoTest(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ tally: Tally; failed: FailedTest[] }> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const status = await new Deno.Command(denoUnderTest(), {
      args: ["test", "-A", "--no-lock", `--junit-path=${report}`, ...args],
      cwd: PROJECT,
      env,
      // The same at a desk and in CI. Output is not piped through here: a
      // process that a test left behind would then hold up the runner.
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    const tally = new Tally();
    const xml = await Deno.readTextFile(report);
    tally.add(readJunit(xml));
    // A type error, a crash or a throw outside of a test is in no report.
    if (!status.success && tally.failed === 0) {
      tally.failed = 1;
      console.error(`deno test: ${status.signal ?? `code ${status.code}`}`);
    }
    return { tally, failed: failedTests(xml) };
  } finally {
    await Deno.remove(report);
  }
}
