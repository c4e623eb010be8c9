// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * `deno run -A tests/windows/bench_spawn.ts [ROUNDS]`: spawn and exit of a tiny
 * program, against `Deno.Command`, in turn in one process. Prints medians.
 *
 * @module
 */

import { Command } from "../../mod.ts";
import { CREATE_NO_WINDOW } from "../../windows/system/win32.ts";
import { createProcess } from "../../windows/system/create_process.ts";
import { waitForSingleObject } from "../../windows/system/handle.ts";
import { type Subsystem, tinyProgram } from "./tiny_program.ts";

const rounds = Number(Deno.args[0] ?? 40);
const WARM_UP = 4;

type Contender = () => Promise<void> | void;

function check(code: number): void {
  if (code !== 3) throw new Error(`The program exited with ${code}`);
}

/** One row: what `Deno.Command` does, and the same with ours. */
function pair(
  what: "status" | "output",
  program: string,
): [Contender, Contender] {
  const options = what === "status"
    ? { stdin: "null", stdout: "null", stderr: "null" } as const
    : { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const run = (C: typeof Deno.Command | typeof Command) => async () => {
    const command = new C(program, options);
    const { code } = what === "status"
      ? await command.spawn().status
      : await command.output();
    check(code);
  };
  return [run(Deno.Command), run(Command)];
}

/** The calls of the system alone: no job, no streams, one blocking wait. */
function bare(program: string, flags: number): Contender {
  return () => {
    const { process, thread } = createProcess({
      application: program,
      commandLine: `"${program}"`,
      flags,
    });
    waitForSingleObject(process, 60_000);
    thread.close();
    process.close();
  };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

async function compare(
  name: string,
  [first, second]: [Contender, Contender],
): Promise<void> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds + WARM_UP; round++) {
    // They take turns at being first.
    for (const index of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const before = performance.now();
      await (index === 0 ? first : second)();
      if (round >= WARM_UP) times[index]!.push(performance.now() - before);
    }
  }
  const [a, b] = times.map(median) as [number, number];
  const ms = (value: number) => `${value.toFixed(1)} ms`.padStart(9);
  console.log(`${name.padEnd(44)}${ms(a)}${ms(b)}   ${(b / a).toFixed(2)}`);
}

const folder = await Deno.makeTempDir();
async function program(subsystem: Subsystem): Promise<string> {
  const path = `${folder}\\${subsystem}.exe`;
  await Deno.writeFile(path, tinyProgram(subsystem, 3));
  return path;
}
const windows = await program("windows");
const console_ = await program("console");
console.log(`${"medians".padEnd(44)}    first   second   ratio`);
for (const what of ["status", "output"] as const) {
  await compare(`Deno.Command, Command: ${what}`, pair(what, windows));
  await compare(`the same, with a console`, pair(what, console_));
}
await compare("CreateProcessW: no console, a hidden one", [
  bare(console_, 0),
  bare(console_, CREATE_NO_WINDOW),
]);
await Deno.remove(folder, { recursive: true });
