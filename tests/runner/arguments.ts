/** What the runner was asked to do. */
export interface RunArguments {
  /** Whether the static checks are run. */
  readonly checks: boolean;
  /** Whether tests are run. */
  readonly tests: boolean;
  /** Whether the stand-ins are used without asking for the real packages. */
  readonly offline: boolean;
  /** Flags for `deno test`. */
  readonly flags: readonly string[];
  /** Files and folders to test; empty: all. */
  readonly paths: readonly string[];
}

/** Flags of `deno test` whose value is the next argument. */
const WITH_VALUE: ReadonlySet<string> = new Set([
  "--filter",
  "--reporter",
  "--seed",
  "--ignore",
]);

/** Reads the runner's arguments; what it does not know goes to `deno test`. */
export function readArguments(argv: readonly string[]): RunArguments {
  const own = new Set<string>();
  const flags: string[] = [];
  const paths: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    if (["--ok", "--static", "--offline"].includes(arg)) {
      own.add(arg);
    } else if (arg.startsWith("-")) {
      flags.push(arg);
      if (WITH_VALUE.has(arg)) flags.push(...argv.slice(++i, i + 1));
    } else {
      paths.push(arg);
    }
  }
  return {
    checks: own.has("--ok") || own.has("--static"),
    tests: !own.has("--static"),
    offline: own.has("--offline"),
    flags,
    paths,
  };
}
