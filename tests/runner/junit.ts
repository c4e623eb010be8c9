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

/** The files of the tests that failed, in a JUnit report of `deno test`. */
export function failedFiles(xml: string): string[] {
  const files = new Set<string>();
  for (const testcase of xml.split("<testcase ").slice(1)) {
    const [, file] = /classname="([^"]+)"/.exec(testcase) ?? [];
    if (file && /<(failure|error)[ >]/.test(testcase)) files.add(file);
  }
  return [...files];
}
