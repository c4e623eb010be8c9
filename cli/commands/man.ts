/**
 * `man`: the manual page of a command.
 *
 * @module
 */

import type {
  CommandEntry,
  CommandSpec,
  GivenOptions,
} from "../arguments/command_spec.ts";
import { UsageError } from "../arguments/operands.ts";
import { manPage } from "../man_page.ts";
import { print } from "../terminal/say.ts";
import { versionLine } from "../version.ts";

/** Its operands and options. */
export const SPEC: CommandSpec<never> = {
  name: "man",
  program: "killable man",
  summary: "print the manual page of a command",
  usage: "COMMAND",
  description: [
    "The page is made from the same tables as the help, in the form that man(1) shows and installs.",
  ],
  options: [],
  stopsAtOperand: false,
  examples: [
    ["killable man run | man -l -", "read it"],
    [
      "killable man run >/usr/local/share/man/man1/killable-run.1",
      "install it",
    ],
  ],
  exitStatus: [["0", "printed"], ["2", "a mistake in the command line"]],
  permissions: "none",
  usageStatus: 2,
};

/** Runs it. */
export async function run(
  given: GivenOptions,
  commands: readonly CommandEntry[],
): Promise<number> {
  const [name, ...more] = given.operands;
  if (more.length > 0) throw new UsageError(`extra operand '${more[0]}'`);
  const entry = commands.find((one) => one.name === name);
  if (entry === undefined) {
    const known = commands.map((one) => one.name).join(", ");
    throw new UsageError(`expected the name of a command: ${known}`);
  }
  print(manPage((await entry.load()).SPEC, await versionLine("killable")));
  return 0;
}
