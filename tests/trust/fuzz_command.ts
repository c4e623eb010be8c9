// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * Differential fuzzing against `Deno.Command`: random options, programs and orders of
 * calls, run by both, what came of them compared.
 * `deno run -A tests/trust/fuzz_command.ts [--seed S] [--runs N] [--only I]`
 *
 * @module
 */

import { Command } from "../../mod.ts";
import { Random } from "../chaos/random.ts";

/** What both are. */
type AnyCommand = new (
  program: string,
  options?: Deno.CommandOptions,
) => Deno.Command;

/** What is run. */
interface Case {
  readonly program: string;
  readonly options: Record<string, unknown>;
  readonly mode: "output" | "outputSync" | "spawn";
  /** After a spawn, in this order. */
  readonly calls: readonly Call[];
  /** Whether something has a value that this library refuses: README.md says which. */
  readonly wrongShape: boolean;
}

const SCRIPTS = [
  "exit 0",
  "exit 3",
  "exit 255",
  "printf out; printf err >&2; exit 7",
  "printf '\\377\\376\\000x'",
  "kill -TERM $$",
  "kill -KILL $$",
  "kill -USR1 $$",
  'echo "[$A][$B][$LANG]"',
  "env | sort | grep -v -e '^_=' -e '^SHLVL=' -e '^OLDPWD='",
  "pwd",
  "id -u; id -g",
  "cat",
  "cat >/dev/null; echo done",
  "head -c 100000 /dev/zero",
  "head -c 100000 /dev/zero >&2; echo end",
  'printf "%s\\n" "$0" "$@"',
  "umask; ulimit -n",
  "trap '' PIPE; exec cat",
] as const;

// Lives until it is killed.
const LIVES = ["exec sleep 60"];

const PROGRAMS = [
  "sh",
  "/bin/sh",
  "true",
  "/nonexistent/program",
  "./none",
  "no-such-program-anywhere",
  "",
  "/etc/passwd",
  "/etc",
  "sh\0",
  "../../../../../../bin/sh",
] as const;

const STDIO = ["piped", "null"] as const;
const WORDS = ["", "a", "two words", "ü", "*", "-c", "'", '"', "\n", "a=b"];
const BAD_TEXT = ["a\0b", 5, null, {}, true];

type Call =
  | "status"
  | "output"
  | "ref"
  | "unref"
  | "pid"
  | "write"
  | "close"
  | "read"
  | "readError"
  | "cancel"
  | "text"
  | "stdinTwice"
  | "killBad"
  | `kill ${Deno.Signal}`;

const CALLS: readonly Call[] = [
  "status",
  "status",
  "output",
  "ref",
  "unref",
  "pid",
  "write",
  "close",
  "read",
  "readError",
  "cancel",
  "text",
  "stdinTwice",
  "killBad",
];

const KILLS: readonly Call[] = ["kill SIGTERM", "kill SIGKILL", "kill SIGINT"];

function draw(seed: number, index: number): Case {
  const random = new Random(seed, index);
  const options: Record<string, unknown> = {};
  const lives = random.chance(0.2);
  const usual = lives || random.chance(0.75);
  const program = usual ? "sh" : random.pick(PROGRAMS);
  const script = random.pick(lives ? LIVES : SCRIPTS);
  const words = () =>
    Array.from({ length: random.below(4) }, () => random.pick(WORDS));
  options.args = ["-c", script, "zero", ...words()];
  if (random.chance(0.3)) options.env = environment(random);
  if (random.chance(0.15)) options.clearEnv = random.chance(0.7);
  if (random.chance(0.2)) {
    options.cwd = random.pick([
      "/",
      "/tmp",
      "/nonexistent",
      "/etc/passwd",
      ".",
    ]);
  }
  if (random.chance(0.1)) options.uid = random.pick([0, 65534, 1]);
  if (random.chance(0.1)) options.gid = random.pick([0, 65534, 1]);
  for (const stream of ["stdin", "stdout", "stderr"]) {
    if (random.chance(0.6)) options[stream] = random.pick(STDIO);
  }
  const mode = lives ? "spawn" : random.pick(
    ["output", "outputSync", "spawn", "spawn"] as const,
  );
  // What is inherited would be this program's own.
  if (mode === "spawn") {
    for (const stream of ["stdin", "stdout", "stderr"]) {
      options[stream] ??= "null";
    }
  }
  const spoilt = random.chance(0.12);
  const wrongShape = spoilt || program === "" || program.includes("\0") ||
    Object.keys(options.env ?? {}).some((name) => !/^[^=\0]+$/.test(name));
  if (spoilt) spoil(random, options);
  const calls: Call[] = Array.from(
    { length: random.below(6) },
    () => random.pick(CALLS.concat(lives ? KILLS : [])),
  );
  return { program, options, mode, calls: ended(calls, lives), wrongShape };
}

// Nothing waits for what lives before it is killed, and once only: what a second kill
// does is a known difference.
function ended(calls: readonly Call[], lives: boolean): Call[] {
  if (!lives) return [...calls];
  const kill = calls.find((one) => KILLS.includes(one)) ?? "kill SIGKILL";
  const before = calls.filter((one) =>
    ["ref", "unref", "pid", "write", "close", "killBad", "stdinTwice"]
      .includes(one)
  );
  const after = calls.filter((one) =>
    ["status", "output", "text", "read", "cancel"].includes(one)
  );
  return [...before, kill, ...after];
}

function environment(random: Random): Record<string, unknown> {
  const env: Record<string, unknown> = {};
  for (let i = random.below(4); i > 0; i--) {
    env[random.pick(["A", "B", "LANG", "PATH_X", "Ü"])] = random.pick(WORDS);
  }
  if (random.chance(0.1)) env[random.pick(["", "A=B", "A\0"])] = "x";
  return env;
}

function spoil(random: Random, options: Record<string, unknown>): void {
  const name = random.pick([
    "args",
    "env",
    "cwd",
    "uid",
    "gid",
    "stdin",
    "stdout",
    "stderr",
    "clearEnv",
    "signal",
    "detached",
  ]);
  const bad = random.pick(BAD_TEXT);
  if (name === "args") options.args = random.pick([["-c", bad], bad, "-c"]);
  else if (name === "env") options.env = random.pick([{ A: bad }, bad]);
  else options[name] = random.pick([bad, -1, 1.5, 2 ** 40, "bogus"]);
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  // Deno's spawn() says NotFound of a cwd that is no folder, its outputSync() does not.
  if (error.name === "NotADirectory") return "throws NotFound";
  return `throws ${error.name}`;
}

function hash(bytes: Uint8Array): string {
  let sum = 0;
  for (const byte of bytes) sum = (sum * 31 + byte) | 0;
  return `${bytes.length} bytes, ${sum}`;
}

function stream(output: Deno.CommandOutput, name: "stdout" | "stderr"): string {
  try {
    return hash(output[name]);
  } catch (error) {
    return nameOf(error);
  }
}

function told(output: Deno.CommandOutput): string {
  const { success, code, signal } = output;
  return `${success} ${code} ${signal} ${stream(output, "stdout")} ${
    stream(output, "stderr")
  }`;
}

async function attempt(what: () => unknown): Promise<string> {
  try {
    return String(await what());
  } catch (error) {
    return nameOf(error);
  }
}

async function call(child: Deno.ChildProcess, name: Call): Promise<string> {
  const bytes = new TextEncoder().encode("some input\n");
  switch (name) {
    case "status": {
      const { success, code, signal } = await child.status;
      return `${success} ${code} ${signal}`;
    }
    case "output":
      return told(await child.output());
    case "ref":
    case "unref":
      return String(child[name]());
    case "pid":
      return typeof child.pid;
    case "write": {
      const writer = child.stdin.getWriter();
      // Whether it is taken before the child ends is luck.
      writer.write(bytes).catch(() => {});
      writer.releaseLock();
      return "";
    }
    case "close":
      // As with a write.
      child.stdin.close().catch(() => {});
      return String(child.stdin.locked);
    case "stdinTwice":
      return String(child.stdin === child.stdin);
    case "read": {
      const reader = child.stdout.getReader();
      const { done } = await reader.read();
      reader.releaseLock();
      return String(done);
    }
    case "readError":
      return hash(await new Response(child.stderr).bytes());
    case "cancel":
      return String(await child.stdout.cancel());
    case "text":
      return hash(await new Response(child.stdout).bytes());
    case "killBad":
      return String(child.kill("SIGNONE" as Deno.Signal));
  }
  return String(child.kill(name.slice("kill ".length) as Deno.Signal));
}

async function runCase(C: AnyCommand, one: Case): Promise<string[]> {
  const { program, options, mode, calls } = one;
  const results: string[] = [];
  let child: Deno.ChildProcess;
  try {
    const command = new C(program, { ...options } as Deno.CommandOptions);
    if (mode === "output") return [told(await command.output())];
    if (mode === "outputSync") return [told(command.outputSync())];
    child = command.spawn();
  } catch (error) {
    return [nameOf(error)];
  }
  for (const name of calls) {
    // A program that waits for its input ends when that is closed.
    const waits = /status|output|text|read/.test(name);
    if (waits && options.stdin === "piped") {
      await attempt(() => child.stdin.close());
    }
    results.push(`${name}: ${await attempt(() => call(child, name))}`);
  }
  await tidy(child, options);
  return results;
}

async function tidy(
  child: Deno.ChildProcess,
  options: Record<string, unknown>,
): Promise<void> {
  if (options.stdin === "piped") await attempt(() => child.stdin.close());
  for (const name of ["stdout", "stderr"] as const) {
    if (options[name] === "piped") await attempt(() => child[name].cancel());
  }
  await attempt(() => child.kill("SIGKILL"));
  await child.status;
}

/** What a fuzz run came to. */
export interface FuzzResult {
  readonly runs: number;
  /** Cases that this library refuses and Deno does not: README says so. */
  readonly stricter: number;
  /** Each in words. */
  readonly findings: readonly string[];
}

const HANG_MS = 20_000;

async function bounded(what: Promise<string[]>): Promise<string[]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve(["hangs"]), HANG_MS);
  });
  const result = await Promise.race([what, late]);
  clearTimeout(timer);
  return result;
}

/** Runs cases of a seed by both. */
export async function fuzz(
  seed: number,
  indices: readonly number[],
): Promise<FuzzResult> {
  let stricter = 0;
  const findings: string[] = [];
  for (const index of indices) {
    const one = draw(seed, index);
    const theirs = await bounded(runCase(Deno.Command, one));
    const ours = await bounded(
      runCase(Command as unknown as AnyCommand, one),
    );
    if (theirs.join("\n") === ours.join("\n")) continue;
    if (one.wrongShape && ours[0] === "throws TypeError") stricter++;
    else {
      findings.push(
        `seed ${seed} --only ${index}: ${JSON.stringify(one)}\n  Deno: ${
          theirs.join(" | ")
        }\n  ours: ${ours.join(" | ")}`,
      );
    }
  }
  return { runs: indices.length, stricter, findings };
}

async function main(): Promise<void> {
  const value = (flag: string, otherwise: number) => {
    const at = Deno.args.indexOf(flag);
    return at < 0 ? otherwise : Number(Deno.args[at + 1]);
  };
  const seed = value("--seed", 1);
  const only = value("--only", -1);
  const indices = only < 0
    ? Array.from({ length: value("--runs", 1000) }, (_, i) => i)
    : [only];
  const { runs, stricter, findings } = await fuzz(seed, indices);
  for (const one of findings) console.log(one);
  console.log(
    `seed ${seed}: ${runs} cases by both, ${stricter} refused by us alone, ${findings.length} findings`,
  );
  Deno.exit(findings.length === 0 ? 0 : 1);
}

if (import.meta.main) await main();
