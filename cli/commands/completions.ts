/**
 * `completions`: a script that completes command lines in a shell.
 *
 * @module
 */

import { bashCompletion } from "../completions/bash.ts";
import { fishCompletion } from "../completions/fish.ts";
import { zshCompletion } from "../completions/zsh.ts";
import type {
  CommandEntry,
  CommandSpec,
  GivenOptions,
} from "../arguments/command_spec.ts";
import { print } from "../terminal/say.ts";
import { UsageError } from "../arguments/operands.ts";

type Option = "name";

const SHELLS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} as const;

/** Its operands and options. */
export const SPEC: CommandSpec<Option> = {
  name: "completions",
  program: "killable completions",
  summary: "print a script that completes command lines in a shell",
  usage: `[OPTION]... ${Object.keys(SHELLS).join("|")}`,
  description: ["The script is made from the same tables as the help."],
  options: [{
    name: "name",
    short: "n",
    value: "NAME",
    help: "name of the program on this machine (killable)",
  }],
  operand: Object.keys(SHELLS),
  stopsAtOperand: false,
  examples: [
    ["source <(killable completions bash)", "in ~/.bashrc"],
    ["source <(killable completions zsh)", "in ~/.zshrc, after compinit"],
    ["killable completions fish | source", "in ~/.config/fish/config.fish"],
  ],
  exitStatus: [["0", "printed"], ["2", "a mistake in the command line"]],
  permissions: "none",
  usageStatus: 2,
};

/** Runs it. */
export async function run(
  given: GivenOptions<Option>,
  commands: readonly CommandEntry[],
): Promise<number> {
  const [shell] = given.operands;
  if (shell === undefined) throw new UsageError("missing the name of a shell");
  if (!Object.hasOwn(SHELLS, shell)) {
    const known = Object.keys(SHELLS).join(", ");
    throw new UsageError(`unknown shell '${shell}': choose from ${known}`);
  }
  const name = given.value("name") ?? "killable";
  if (!/^[\w.-]+$/.test(name)) {
    throw new UsageError(`invalid --name '${name}': expected a program's name`);
  }
  const specs: CommandSpec[] = [];
  for (const { load } of commands) specs.push((await load()).SPEC);
  print(SHELLS[shell as keyof typeof SHELLS](name, specs));
  return 0;
}
