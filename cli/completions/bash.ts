/**
 * Completion for bash.
 *
 * @module
 */

import type { CommandSpec, ValueHint } from "../arguments/command_spec.ts";
import { allOptions, hintWords, optionWords } from "./option_words.ts";

/**
 * The script for bash.
 *
 * @param name The name of the program.
 * @param specs Its commands.
 * @returns The script.
 */
export function bashCompletion(
  name: string,
  specs: readonly CommandSpec[],
): string {
  const fn = `_${name.replace(/\W/g, "_")}`;
  const names = specs.map((one) => one.name).join(" ");
  return `# bash completion for ${name}; source it.
${fn}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]}
  COMPREPLY=()
  # --option=value is three words to readline.
  if [ "$cur" = = ]; then
    cur=
  elif [ "$prev" = = ]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "${names} help" -- "$cur"))
    return
  fi
  case $command in
    help) COMPREPLY=($(compgen -W "${names}" -- "$cur")) ;;
${specs.map(commandCase).join("\n")}
  esac
}
complete -o default -F ${fn} ${name}`;
}

function commandCase(spec: CommandSpec): string {
  const options = allOptions(spec);
  const valued = options.filter((one) => one.value !== undefined);
  const cases = valued.map((one) =>
    `        ${optionWords(one).join("|")}) ${reply(one.hint)} ;;`
  );
  const words = options.flatMap(optionWords).join(" ");
  const values = cases.length === 0 ? "" : `
      case $prev in
${cases.join("\n")}
      esac`;
  const rest = spec.stopsAtOperand ? COMMAND_AFTER_DASHES : "";
  return `    ${spec.name})${rest}${values}
      case $cur in
        -*) COMPREPLY=($(compgen -W "${words}" -- "$cur")) ;;
        *) ${reply(spec.operand)} ;;
      esac ;;`;
}

// After `--` comes the command line of another program.
const COMMAND_AFTER_DASHES = `
      local i
      for ((i = 2; i < COMP_CWORD; i++)); do
        if [ "\${COMP_WORDS[i]}" = -- ]; then
          [ "$((i + 1))" = "$COMP_CWORD" ] && COMPREPLY=($(compgen -c -- "$cur"))
          return
        fi
      done`;

function reply(hint: ValueHint | undefined): string {
  const words = hintWords(hint);
  if (words !== null) return generate(`-W "${words.join(" ")}"`);
  if (hint === "command") return generate("-c");
  if (hint === "directory") return generate("-d");
  if (hint === "file") return generate("-f");
  if (hint === "pid") {
    return generate('-W "$(ps -eo pid= 2>/dev/null)"');
  }
  return "return";
}

function generate(action: string): string {
  return `COMPREPLY=($(compgen ${action} -- "$cur")); return`;
}
