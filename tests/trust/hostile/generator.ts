/**
 * Hostile commands: arguments, environments, directories and options, drawn by
 * a seed, and what is to become of each.
 *
 * @module
 */

import type { Random } from "../../chaos/random.ts";
import type { CommandOptions } from "../../../mod.ts";

/** One command, and what it is expected to do. */
export interface Case {
  readonly options: CommandOptions;
  /** Names of error classes of which one is thrown; none: it runs. */
  readonly errors: readonly string[];
  /** The bytes that the child is to see, as text after UTF-8. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
}

const WINDOWS = Deno.build.os === "windows";
// One argument may have 128 KiB on Linux (MAX_ARG_STRLEN, execve(2)).
const LONGEST = WINDOWS ? 2000 : 131_071;

// deno-fmt-ignore
const PIECES: readonly string[] = [
  "", " ", "\t", "\n", "\r\n", '"', "'", "\\", "\\\\", '\\"', '""', "`", "$(id)", "$HOME",
  "${PATH}", "%PATH%", "!x!", "^", "&", "|", "<", ">", ";", "*", "?", "~", "-", "--", "=",
  "/", "..", "\u0001", "\u001b[2J", "\u007f", "é", "漢字", "🦕", "\ud800", "\udfff", "\u202e",
  "\ufeff", "\uffff", "e\u0301", "\\n", "#", "@file", "{a,b}", "(x)", "%s%n",
];

function text(random: Random, secret: string): string {
  let all = random.chance(0.5) ? secret : "";
  const count = random.below(6);
  for (let i = 0; i < count; i++) all += random.pick(PIECES);
  return random.chance(0.02)
    ? all + "x".repeat(random.below(LONGEST / 2))
    : all;
}

// What arrives: lone surrogates cannot be written in UTF-8.
function arrived(sent: string): string {
  return String(sent).toWellFormed();
}

/** Directories with bad names, made by {@linkcode makeDirectories}. */
export const DIRECTORIES: readonly string[] = [
  "plain",
  "with space",
  WINDOWS ? "quote'" : "quote'\"\\",
  WINDOWS ? "-dash" : "new\nline",
  "漢字🦕",
  "$HOME",
  "%41%",
];

const WRONG: readonly (readonly [string, unknown])[] = [
  ["args", "a string"],
  ["args", { length: 1 }],
  ["args", new Set(["a"])],
  ["env", 3],
  ["cwd", 7],
  ["cwd", "a\0b"],
  ["stdin", "pipe"],
  ["stdout", 1.5],
  ["stderr", {}],
  ["timeout", -1],
  ["timeout", NaN],
  ["timeout", "10"],
  ["grace", -Infinity],
  ["stopSignal", "SIGNOTHING"],
  ["containment", "best"],
  ["killOnParentExit", 1],
  ["detached", "yes"],
  ["suspended", 0],
  ["processGroup", -1],
  ["maxOutput", -5],
  ["maxOutput", 1.5],
  ["outputPolicy", "all"],
  ["input", 42],
  ["signal", {}],
  ["uid", -1],
  ["gid", 1.5],
];

/** Draws one. */
export function draw(random: Random, secret: string, base: string): Case {
  const args: string[] = [];
  const env: Record<string, string> = {};
  const errors: string[] = [];
  for (let i = random.below(5); i > 0; i--) args.push(text(random, secret));
  for (let i = random.below(4); i > 0; i--) {
    env[
      `KT_${random.below(1000)}${
        WINDOWS ? "" : random.pick(["", "é", " ", "."])
      }`
    ] = text(random, secret);
  }
  const options: CommandOptions = { args, env, stderr: "null" };
  let cwd: string | null = null;
  if (random.chance(0.3)) {
    cwd = `${base}/${random.pick(DIRECTORIES)}`;
    options.cwd = cwd;
  }
  if (random.chance(0.3) && !WINDOWS) options.clearEnv = true;
  if (random.chance(0.15)) options.input = secret;
  if (random.chance(0.3)) errors.push(...spoil(random, options, secret, base));
  return {
    options,
    errors,
    args: args.map(arrived),
    env: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, arrived(value)]),
    ),
    cwd,
  };
}

// Makes it wrong in one way; returns the errors that are right.
function spoil(
  random: Random,
  options: CommandOptions,
  secret: string,
  base: string,
): string[] {
  const { args, env } = options as {
    args: string[];
    env: Record<string, string>;
  };
  switch (random.below(7)) {
    case 0:
      args.splice(random.below(args.length + 1), 0, `${secret}\0${secret}`);
      return ["TypeError"];
    case 1:
      env.KT_NUL = `${secret}\0`;
      return ["TypeError"];
    case 2:
      env[random.pick(["", "a=b", "a\0b"])] = secret;
      return ["TypeError"];
    case 3:
      options.cwd = `${base}/missing`;
      return ["NotFound"];
    case 4:
      // Longer than any system takes.
      args.push(secret + "x".repeat(4_000_000));
      return ["SystemError", "RangeError", "TypeError"];
    case 5:
      (env as Record<string, unknown>).KT_TYPE = random.pick([
        1,
        null,
        [secret],
        { secret },
      ]);
      return ["TypeError"];
    default: {
      const [name, value] = random.pick(WRONG);
      (options as Record<string, unknown>)[name] = value;
      return ["TypeError", "RangeError"];
    }
  }
}

/** Makes the directories. */
export function makeDirectories(base: string): void {
  for (const name of DIRECTORIES) Deno.mkdirSync(`${base}/${name}`);
}
