/**
 * Completion for fish.
 *
 * @module
 */

import type {
  CommandSpec,
  OptionSpec,
  ValueHint,
} from "../arguments/command_spec.ts";
import { allOptions, hintWords, shortHelp } from "./option_words.ts";

/**
 * The script for fish.
 *
 * @param name The name of the program.
 * @param specs Its commands.
 * @returns The script.
 */
export function fishCompletion(
  name: string,
  specs: readonly CommandSpec[],
): string {
  const lines = [`# fish completion for ${name}; source it.`];
  for (const spec of specs) {
    lines.push(
      `complete -c ${name} -f -n __fish_use_subcommand -a ${spec.name} -d ${
        quote(spec.summary)
      }`,
    );
    const when = `-n ${quote(`__fish_seen_subcommand_from ${spec.name}`)}`;
    for (const option of allOptions(spec)) {
      lines.push(`complete -c ${name} ${when} ${optionFlags(option)}`);
    }
    if (spec.operand !== undefined) {
      lines.push(`complete -c ${name} ${when} ${action(spec.operand)}`);
    }
  }
  return lines.join("\n");
}

function optionFlags(option: OptionSpec): string {
  const flags = [`-l ${option.name}`];
  if (option.alias !== undefined) flags.push(`-l ${option.alias}`);
  if (option.short !== undefined) flags.push(`-s ${option.short}`);
  if (option.value !== undefined) {
    flags.push(option.hint === "file" ? "-r -F" : "-x", action(option.hint));
  }
  return [...flags, `-d ${quote(shortHelp(option))}`]
    .filter((one) => one !== "").join(" ");
}

function action(hint: ValueHint | undefined): string {
  const words = hintWords(hint);
  if (words !== null) return `-f -a ${quote(words.join(" "))}`;
  if (hint === "command") return "-x -a '(__fish_complete_subcommand)'";
  if (hint === "directory") return "-a '(__fish_complete_directories)'";
  return hint === "pid" ? "-x -a '(__fish_complete_pids)'" : "";
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
