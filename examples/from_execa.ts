// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * Coming from execa: what each of its calls and options is here.
 *
 *     deno run --allow-ffi --allow-run examples/from_execa.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { CalledProcessError, checkOutput, Command, pipeline } from "../mod.ts";

const text = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes).trimEnd();

// const { stdout } = await execa("echo", ["hello"]);
console.log(text(await checkOutput(["echo", "hello"])));

// await execa("sh", …) rejects on an exit code other than 0.
try {
  await checkOutput(["sh", "-c", "echo half; exit 3"]);
} catch (error) {
  if (!(error instanceof CalledProcessError)) throw error;
  console.log(`failed with ${error.code} after '${text(error.stdout!)}'`);
}

// execa(…, { reject: false, timeout: 200, forceKillAfterDelay: 1000 })
const late = await new Command("sh", {
  args: ["-c", "trap '' TERM; setsid sleep 60 & sleep 60 & wait"],
  stdin: "null",
  timeout: 200,
  grace: 300,
}).output();
console.log(`timed out ${late.timedOut}, ended by ${late.signal}`);

// execa(…, { input: "b\na\n", all: true })
const sorted = await new Command("sort", {
  input: "b\na\n",
  stderr: "stdout", // `all`: both outputs in order
}).output();
console.log(text(sorted.stdout).split("\n").join(" "));

// for await (const line of execa`…`) …
await using counting = new Command("sh", {
  args: ["-c", "for i in 1 2 3; do echo $i; done"],
  stdin: "null",
  stdout: "piped",
}).spawn();
const lines: string[] = [];
for await (const line of counting.lines()) lines.push(line);
console.log(lines.join(" "));

// execa(…).pipe("head", ["-1"])
const head = await pipeline([["printf", "x\\ny\\n"], ["head", "-1"]]);
console.log(text(head.stdout));

// execa(…, { cleanup: true }) is the default, and holds for SIGKILL too.
