import { denoPath } from "../fixtures/deno.ts";
import { readJunit } from "./junit.ts";
import { PROJECT } from "./project.ts";
import { Tally } from "./tally.ts";

/**
 * The sanitizers are off by default since Deno 2.8. Variables, because the
 * flags and the settings in `deno.json` are errors for an older Deno.
 */
const SANITIZERS: Readonly<Record<string, string>> = {
  DENO_TEST_SANITIZE_OPS: "1",
  DENO_TEST_SANITIZE_RESOURCES: "1",
};

/** Runs `deno test` with these arguments, and counts. */
export async function denoTest(args: readonly string[]): Promise<Tally> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const status = await new Deno.Command(denoPath(), {
      args: ["test", "-A", "--no-lock", `--junit-path=${report}`, ...args],
      cwd: PROJECT,
      env: SANITIZERS,
      // The same at a desk and in CI. Output is not piped through here: a
      // process that a test left behind would then hold up the runner.
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    const tally = new Tally();
    tally.add(readJunit(await Deno.readTextFile(report)));
    // A type error, a crash or a throw outside of a test is in no report.
    if (!status.success && tally.failed === 0) tally.failed = 1;
    return tally;
  } finally {
    await Deno.remove(report);
  }
}
