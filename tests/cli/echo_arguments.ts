// deno-lint-ignore-file no-console -- what it is for
/** Shows what it was started with, and exits with 5. @module */

console.error("to stderr");
console.log(JSON.stringify(Deno.args));
Deno.exit(5);
