import type { Tally } from "./tally.ts";

/** Counts in a JUnit report of `deno test`; steps count as tests. */
export function readJunit(
  xml: string,
): Pick<Tally, "passed" | "failed" | "skipped"> {
  const [total] = attributes(xml, "testsuites");
  const suites = attributes(xml, "testsuite");
  const tests = total?.get("tests") ?? 0;
  const failed = (total?.get("failures") ?? 0) + (total?.get("errors") ?? 0);
  const skipped = suites.reduce(
    (sum, suite) => sum + (suite.get("disabled") ?? 0),
    0,
  );
  return { passed: tests - failed - skipped, failed, skipped };
}

/** Numeric attributes of every element of a name. */
function attributes(xml: string, element: string): Map<string, number>[] {
  const tags = xml.matchAll(new RegExp(`<${element}\\s([^>]*)>`, "g"));
  return [...tags].map(([, text]) =>
    new Map(
      [...text!.matchAll(/(\w+)="(\d+)"/g)].map((m) => [m[1]!, Number(m[2])]),
    )
  );
}

/** A test that failed. */
export interface FailedTest {
  /** Its file. */
  readonly file: string;
  /** Its name. */
  readonly name: string;
}

/** The tests that failed, in a JUnit report of `deno test`. */
export function failedTests(xml: string): FailedTest[] {
  const failed: FailedTest[] = [];
  for (const testcase of xml.split("<testcase ").slice(1)) {
    if (!/<(failure|error)[ >]/.test(testcase)) continue;
    const [, name = ""] = /(?:^|\s)name="([^"]*)"/.exec(testcase) ?? [];
    const [, file] = /classname="([^"]+)"/.exec(testcase) ?? [];
    if (file) failed.push({ file, name: unescaped(name) });
  }
  return failed;
}

function unescaped(text: string): string {
  return text.replaceAll("&quot;", '"').replaceAll("&apos;", "'")
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/**
 * The one command that repeats a test: with the name where a shell takes it as it
 * is, in single quotes.
 *
 * @param test The test.
 * @returns A line for a shell.
 */
export function repeatCommand({ file, name }: FailedTest): string {
  const path = file.replace(/^\.\//, "");
  // A step is named after its test, and cannot be asked for alone.
  const [whole = ""] = name.split(" > ");
  const quoted = `'${whole.replaceAll("'", `'\\''`)}'`;
  return `deno task test ${path} --filter ${quoted}`;
}
