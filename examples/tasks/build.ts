// deno-lint-ignore-file no-console -- a build talks to a person
/**
 * A build that leaves the work to a helper, which hangs when it is asked to.
 *
 * @module
 */

const HELPER = `
  console.log("compiling");
  if (Deno.args.includes("--hang")) setInterval(() => {}, 60_000);
`;

const helper = new Deno.Command(Deno.execPath(), {
  args: ["eval", HELPER, "--", ...Deno.args],
  stdin: "null",
}).spawn();
const { code } = await helper.status;
console.log("built");
Deno.exit(code);
