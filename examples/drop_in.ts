// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A script written for `Deno.Command`, with one line changed: the import. It does
 * what it did, and prints what it printed.
 *
 *     deno run --allow-ffi --allow-run examples/drop_in.ts
 *
 * @module
 */

// Before: const { Command } = Deno;
// A user imports from "jsr:@killable/process".
import { Command } from "../mod.ts";

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

// Status and output of a short command.
const listing = await new Command("sh", {
  args: ["-c", "printf '%s\\n' one two; echo oops >&2; exit 3"],
}).output();
console.log("code:", listing.code, "success:", listing.success);
console.log("stdout:", JSON.stringify(decode(listing.stdout)));
console.log("stderr:", JSON.stringify(decode(listing.stderr)));

// The same, blocking, with an environment of its own.
const { stdout } = new Command("sh", {
  args: ["-c", 'echo "$GREETING from $PWD"'],
  cwd: "/",
  env: { GREETING: "hello" },
}).outputSync();
console.log("sync:", decode(stdout).trim());

// Web streams in both directions.
const sort = new Command("sort", { stdin: "piped", stdout: "piped" }).spawn();
const writer = sort.stdin.getWriter();
await writer.write(new TextEncoder().encode("pear\napple\n"));
await writer.close();
console.log("sorted:", (await sort.stdout.text()).trim().split("\n"));
console.log("sort ended:", (await sort.status).code);

// A signal, and the status it leads to.
const sleeper = new Command("sleep", { args: ["60"] }).spawn();
sleeper.kill("SIGTERM");
const { code, signal } = await sleeper.status;
console.log("killed:", code, signal);

// The usual mistakes, with the usual errors.
try {
  new Command("no-such-program-here").spawn();
} catch (error) {
  console.log("missing program:", error instanceof Deno.errors.NotFound);
}
try {
  new Command("true", { stdout: "null" }).outputSync().stdout;
} catch (error) {
  console.log("not piped:", error instanceof TypeError);
}
