// deno-lint-ignore-file no-console -- it answers the test by one line
/**
 * Has children write to files of a folder that is full: `disk.ts MOD FOLDER`.
 * Prints what came of it.
 *
 * @module
 */

import type * as Library from "../../../mod.ts";

const [mod, folder] = Deno.args as [string, string];
const { Command } = await import(mod) as typeof Library;

const toFile = (name: string): InstanceType<typeof Command> =>
  new Command("head", {
    args: ["-c", "1000000", "/dev/zero"],
    stdout: { file: `${folder}/${name}` },
    stderr: "piped",
  });

const answers: unknown[] = [];
for (let i = 0; i < 2; i++) {
  const { success, stderr } = i === 0
    ? await toFile("out").output()
    : toFile("out").outputSync();
  answers.push([success, new TextDecoder().decode(stderr).trim()]);
}
// No file can be made any more: there is no room for its name.
Deno.writeTextFileSync(`${folder}/last`, "");
try {
  await toFile("new").output();
  answers.push("started");
} catch (error) {
  const { code, syscall, message } = error as Library.SystemError;
  answers.push([code, syscall, message]);
}
const children = Deno.readTextFileSync("/proc/thread-self/children").trim();
answers.push(children.split(" ").length);
console.log(JSON.stringify(answers));
