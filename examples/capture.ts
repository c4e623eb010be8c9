// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A program that writes without end. `maxOutput` bounds what is kept of each
 * stream; `outputPolicy` says what happens then.
 *
 *     deno run --allow-ffi --allow-run examples/capture.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command, OutputLimitExceeded } from "../mod.ts";

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

// "error", the default: the tree is ended, and the call fails with what was kept.
try {
  await new Command("yes", { maxOutput: 1_000 }).output();
} catch (error) {
  if (!(error instanceof OutputLimitExceeded)) throw error;
  console.log(`error: stopped, ${error.stdout!.byteLength} bytes kept`);
}

// "head": the first bytes; the program runs on to its end.
const head = await new Command("seq", {
  args: ["100000"],
  maxOutput: 8,
  outputPolicy: "head",
}).output();
console.log(`head: ${JSON.stringify(decode(head.stdout))}, code ${head.code}`);

// "tail": the last bytes, where a log tells why it failed.
const tail = await new Command("sh", {
  args: ["-c", "seq 100000; echo error: no space left; exit 1"],
  maxOutput: 22,
  outputPolicy: "tail",
}).output();
console.log(`tail: ${JSON.stringify(decode(tail.stdout))}, code ${tail.code}`);
console.log(`truncated: ${tail.truncated}`);
