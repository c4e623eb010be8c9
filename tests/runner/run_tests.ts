// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
import { denoUnderTest } from "../fixtures/deno.ts";
import { readJunit } from "./junit.ts";
import { PROJECT } from "./project.ts";
import { Tally } from "./tally.ts";

/**
 * The sanitizers are off by default since Deno 2.8. Variables, because the
 * flags and the settings in `deno.json` are errors for an older Deno.
 */
const SANITIZE_OPS = { DENO_TEST_SANITIZE_OPS: "1" };
const SANITIZE_ALL = { ...SANITIZE_OPS, DENO_TEST_SANITIZE_RESOURCES: "1" };

/** Runs test files with `deno test`, and counts. */
export function runTests(args: readonly string[]): Promise<Tally> {
  return denoTest(args, SANITIZE_ALL);
}

/**
 * Runs the examples in documentation, and counts. An example is the first to
 * use the library in its module and opens the system's libraries for good,
 * which the sanitizer of resources would take for a leak.
 */
export function runExamples(args: readonly string[]): Promise<Tally> {
  return denoTest(["--doc", ...args], SANITIZE_OPS);
}

async function denoTest(
  args: readonly string[],
  env: Record<string, string>,
): Promise<Tally> {
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
    tally.add(readJunit(await Deno.readTextFile(report)));
    // A type error, a crash or a throw outside of a test is in no report.
    if (!status.success && tally.failed === 0) {
      tally.failed = 1;
      console.error(`deno test: ${status.signal ?? `code ${status.code}`}`);
    }
    return tally;
  } finally {
    await Deno.remove(report);
  }
}
