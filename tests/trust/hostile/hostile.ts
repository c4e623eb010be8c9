/**
 * Runs hostile commands: either the child sees exactly what was sent, or a
 * documented error is thrown that gives nothing of it away.
 *
 * @module
 */

import { Command, type CommandOptions } from "../../../mod.ts";
import { Random } from "../../chaos/random.ts";
import { type Case, draw, makeDirectories } from "./generator.ts";

/** What to do. */
export interface Plan {
  readonly seed: number;
  /** Cases. */
  readonly count: number;
  /** Milliseconds after which no further case is begun. */
  readonly budget: number;
  /** The only case to run, or `null`. */
  readonly only: number | null;
}

/** What came of it. */
export interface Report {
  readonly tried: number;
  readonly ran: number;
  readonly refused: number;
  readonly findings: readonly string[];
}

interface Shown {
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly cwd: string;
}

const SOURCE = import.meta.resolve("./show.c");
const SCRIPT = import.meta.resolve("./show.ts");

// Program and leading arguments of the child that shows what it sees.
function compile(folder: string): { program: string; leading: string[] } {
  const program = `${folder}/show`;
  try {
    const { success } = new Deno.Command("cc", {
      args: ["-O1", "-o", program, SOURCE.slice("file://".length)],
    }).outputSync();
    if (success) return { program, leading: [] };
  } catch {
    // There is no compiler.
  }
  return {
    program: Deno.execPath(),
    leading: ["run", "--quiet", "--no-config", "--no-lock", "-A", SCRIPT],
  };
}

function shown(bytes: Uint8Array): Shown {
  const parts = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
    .split("\0");
  const take = (): string[] => parts.splice(0, Number(parts.shift()));
  const args = take();
  const env: Record<string, string> = {};
  for (const entry of take()) {
    const equals = entry.indexOf("=", 1);
    env[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return { args, env, cwd: parts[0] as string };
}

function difference(one: Case, seen: Shown): string | null {
  if (JSON.stringify(seen.args) !== JSON.stringify(one.args)) {
    return `arguments ${JSON.stringify(seen.args)}, not ${
      JSON.stringify(one.args)
    }`;
  }
  for (const [name, value] of Object.entries(one.env)) {
    if (seen.env[name] !== value) {
      return `${name} is ${JSON.stringify(seen.env[name])}, not ${
        JSON.stringify(value)
      }`;
    }
  }
  const more = Object.keys(seen.env).length - Object.keys(one.env).length;
  if (one.options.clearEnv === true && more !== 0) {
    return `${more} variables more`;
  }
  const cwd = (one.cwd ?? Deno.cwd()).replaceAll("\\", "/");
  return seen.cwd.replaceAll("\\", "/") === cwd ? null : `cwd ${seen.cwd}`;
}

/** Everything that a program might print of an error. */
function everything(error: unknown): string {
  let all = "";
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    all += `${at.message}\n${at.stack}\n${Deno.inspect(at, { depth: 20 })}\n${
      JSON.stringify(at)
    }\n`;
  }
  return all;
}

/** Runs the plan. */
export function attack(plan: Plan): Report {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  const findings: string[] = [];
  let tried = 0;
  let ran = 0;
  let refused = 0;
  try {
    makeDirectories(folder);
    const { program, leading } = compile(folder);
    const deadline = performance.now() + plan.budget;
    const first = plan.only ?? 0;
    const end = plan.only === null ? plan.count : plan.only + 1;
    for (let i = first; i < end && performance.now() < deadline; i++) {
      const secret = `s3cr3t-${plan.seed}-${i}`;
      const one = draw(new Random(plan.seed, i), secret, folder);
      tried++;
      const finding = attempt(program, leading, one, secret);
      if (finding !== null) {
        findings.push(`--seed ${plan.seed} --only ${i}: ${finding}`);
      }
      if (one.errors.length === 0) ran++;
      else refused++;
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  return { tried, ran, refused, findings };
}

function attempt(
  program: string,
  leading: readonly string[],
  one: Case,
  secret: string,
): string | null {
  const { args } = one.options;
  const options: CommandOptions = {
    ...one.options,
    args: Array.isArray(args) ? [...leading, ...args] : args as never,
  };
  try {
    const command = new Command(program, options);
    if (Deno.inspect(command, { depth: 20 }).includes(secret)) {
      return "Deno.inspect of the command gives away what is in it";
    }
    const { code, stdout } = command.outputSync();
    if (one.errors.length > 0) return `no ${one.errors.join(" or ")}`;
    return code === 0 ? difference(one, shown(stdout)) : `exit code ${code}`;
  } catch (error) {
    if (everything(error).includes(secret)) {
      return "the error gives away a secret";
    }
    const { name, message } = error as Error;
    return one.errors.includes(name)
      ? null
      : `${name}: ${message.slice(0, 300)}`;
  }
}
