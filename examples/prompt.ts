// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A program that insists on a terminal, asked through a pseudo-terminal (Linux):
 * its prompts have no end of line, so they are waited for as text.
 *
 *     deno run --allow-ffi --allow-run examples/prompt.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command } from "../mod.ts";

// It reads a password without echo, as ssh and sudo do.
const PROGRAM = `
[ -t 0 ] || { echo "not a terminal"; exit 1; }
printf 'Name: '; read -r name
printf 'Password: '; stty -echo; read -r password; stty echo; echo
echo "hello $name, $(printf %s "$password" | wc -c) letters"
`;

await using child = new Command("sh", {
  args: ["-c", PROGRAM],
  pty: true,
  stdin: "piped",
  stdout: "piped",
  timeout: 30_000,
}).spawn();

const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
const keyboard = child.stdin.getWriter();
const keys = new TextEncoder();
let shown = "";

/** Reads until the program shows a text; returns what came before it. */
async function expect(text: string): Promise<string> {
  while (!shown.includes(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`It ended before it showed '${text}': ${shown}`);
    shown += value;
  }
  const before = shown.slice(0, shown.indexOf(text));
  shown = shown.slice(before.length + text.length);
  return before;
}

async function type(line: string): Promise<void> {
  await keyboard.write(keys.encode(`${line}\n`));
}

await expect("Name: ");
await type("Ada");
await expect("Password: ");
await type("secret");
await expect("hello ");
console.log(`it said: hello ${(await expect("\r\n")).trim()}`);
const { code } = await child.status;
console.log(`code ${code}`);
reader.releaseLock();
