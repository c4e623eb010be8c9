/**
 * Completion for zsh.
 *
 * @module
 */

import type {
  CommandSpec,
  OptionSpec,
  ValueHint,
} from "../arguments/command_spec.ts";
import {
  allOptions,
  hintWords,
  optionWords,
  shortHelp,
} from "./option_words.ts";

/**
 * The script for zsh.
 *
 * @param name The name of the program.
 * @param specs Its commands.
 * @returns The script.
 */
export function zshCompletion(
  name: string,
  specs: readonly CommandSpec[],
): string {
  const fn = `_${name.replace(/\W/g, "_")}`;
  const commands = specs.map((one) =>
    `      ${quote(`${one.name}:${one.summary}`)}`
  );
  return `#compdef ${name}
# zsh completion for ${name}; source it after compinit.
${fn}() {
  local curcontext=$curcontext state line
  _arguments -C '1: :->command' '*:: :->arguments'
  case $state in
    command)
      local -a commands=(
${commands.join("\n")}
      )
      _describe command commands ;;
    arguments)
      case $words[1] in
${specs.map(commandCase).join("\n")}
      esac ;;
  esac
}
compdef ${fn} ${name}`;
}

function commandCase(spec: CommandSpec): string {
  const options = allOptions(spec).flatMap(argumentSpecs);
  // '*::' hands the rest of the line to the completion of the other program.
  const rest = spec.stopsAtOperand
    ? spec.name === "timeout"
      ? ["'1:duration: '", "'*::command:_normal'"]
      : ["'*::command:_normal'"]
    : spec.operand === undefined
    ? []
    : [quote(`*:operand:${action(spec.operand)}`)];
  const lines = [...options, ...rest].map((one) => `          ${one}`);
  return `        ${spec.name})
          _arguments -S \\
${lines.join(" \\\n")} ;;`;
}

function argumentSpecs(option: OptionSpec): string[] {
  const help = shortHelp(option).replace(/[[\]]/g, "");
  return optionWords(option).map((word) => {
    const repeat = option.repeated === true ? "*" : "";
    if (option.value === undefined) return quote(`${repeat}${word}[${help}]`);
    const equals = word.startsWith("--") ? "=" : "";
    const value = `${option.value}:${action(option.hint)}`;
    return quote(`${repeat}${word}${equals}[${help}]:${value}`);
  });
}

function action(hint: ValueHint | undefined): string {
  const words = hintWords(hint);
  if (words !== null) return `(${words.join(" ")})`;
  if (hint === "command") return "_command_names -e";
  if (hint === "directory") return "_files -/";
  if (hint === "file") return "_files";
  return hint === "pid" ? "_pids" : " ";
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
