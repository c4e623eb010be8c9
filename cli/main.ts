/**
 * From the arguments of the program to the command they name.
 *
 * @module
 */

import type { CommandModule, CommandSpec } from "./arguments/command_spec.ts";
import { closest } from "../process/validate.ts";
import { COMMANDS } from "./commands.ts";
import { readOptions } from "./arguments/read_options.ts";
import { print, say } from "./terminal/say.ts";
import { UsageError } from "./arguments/operands.ts";

const PROGRAM = "killable";
const USAGE_STATUS = 2;

/**
 * Runs a command line.
 *
 * @param args The arguments of the program.
 * @returns The exit status.
 *
 * @category Command line
 * @example
 * ```ts
 * import { main } from "@killable/process/cli";
 *
 * console.log(await main(["--version"])); // 0
 * ```
 */
export async function main(args: readonly string[]): Promise<number> {
  const name = args[0];
  if (name === undefined) {
    const { generalHelp } = await import("./help.ts");
    say(await generalHelp(COMMANDS));
    return USAGE_STATUS;
  }
  const entry = COMMANDS.find((one) => one.name === name);
  if (entry !== undefined) return await runCommand(entry.load, args.slice(1));
  if (["--help", "-h", "help"].includes(name)) return await help(args[1]);
  if (["--version", "-V"].includes(name)) {
    const { versionLine } = await import("./version.ts");
    print(await versionLine(PROGRAM));
    return 0;
  }
  const meant = closest(name, COMMANDS.map((one) => one.name));
  return mistake(
    PROGRAM,
    `unknown command '${name}'` +
      (meant === null ? "" : `; did you mean '${meant}'?`),
    USAGE_STATUS,
  );
}

async function runCommand(
  load: () => Promise<CommandModule>,
  args: readonly string[],
): Promise<number> {
  const { SPEC, run } = await load();
  try {
    const given = readOptions(SPEC, args);
    if (!given.help) return await run(given, COMMANDS);
    return await showHelp(SPEC);
  } catch (error) {
    if (error instanceof UsageError) {
      return mistake(
        SPEC.program,
        error.message,
        SPEC.usageStatus,
        `${PROGRAM} ${SPEC.name}`,
      );
    }
    throw error;
  }
}

async function help(name: string | undefined): Promise<number> {
  const entry = COMMANDS.find((one) => one.name === name);
  if (entry !== undefined) return await showHelp((await entry.load()).SPEC);
  const { generalHelp } = await import("./help.ts");
  print(await generalHelp(COMMANDS));
  return 0;
}

async function showHelp(spec: CommandSpec): Promise<number> {
  const { commandHelp } = await import("./help.ts");
  print(commandHelp(spec));
  return 0;
}

function mistake(
  program: string,
  message: string,
  status: number,
  helper = program,
): number {
  say(`${program}: ${message}`);
  say(`Try '${helper} --help' for more information.`);
  return status;
}
