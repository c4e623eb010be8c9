/**
 * Where the programs run: a directory and a user of their own.
 *
 * As root, launcher and programs run as `nobody`: what must hold is what an
 * ordinary user gets, and PostgreSQL refuses to be root. `nobody` may not see
 * root's home, where Deno and this project may be; then copies are used.
 *
 * @module
 */

const NOBODY = 65534;
export const ROOT = Deno.build.os === "linux" && Deno.uid() === 0;
const PROJECT = new URL("../../", import.meta.url).pathname;

/** Everything a run of all programs shares. */
export interface Stage extends AsyncDisposable {
  /** Directory that launcher and programs may write to. */
  readonly dir: string;
  /** The Deno for launchers. */
  readonly deno: string;
  /** The project, with a `/` at the end. */
  readonly project: string;
  /** The user of the programs, for the reader. */
  readonly user: string;
}

/** Makes the directory, and copies what the user could not read. */
export async function setStage(): Promise<Stage> {
  const dir = await Deno.makeTempDir({ prefix: "killable-real-" });
  await Deno.chmod(dir, 0o777);
  const stage = {
    dir,
    deno: Deno.execPath(),
    project: PROJECT,
    user: ROOT ? "nobody" : "this user",
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
  if (!await userCan("-x", await Deno.realPath(stage.deno))) {
    stage.deno = `${dir}/deno`;
    await Deno.copyFile(Deno.execPath(), stage.deno);
    await Deno.chmod(stage.deno, 0o755);
  }
  if (!await userCan("-r", `${PROJECT}tests/real/launcher.ts`)) {
    await run(["cp", "-r", PROJECT, `${dir}/project`]);
    await run(["chmod", "-R", "a+rX", `${dir}/project`]);
    stage.project = `${dir}/project/`;
  }
  return stage;
}

/** The command line that runs another as the user of the programs. */
export function asUser(argv: readonly string[], root = false): string[] {
  if (!ROOT || root) return [...argv];
  // deno-fmt-ignore
  return ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", ...argv];
}

/** Runs something to its end; fails when it fails. */
export async function run(
  argv: readonly string[],
  options: Deno.CommandOptions = {},
): Promise<string> {
  const [program, ...args] = argv;
  const output = await new Deno.Command(program!, {
    signal: AbortSignal.timeout(60_000),
    ...options,
    args,
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(output.stdout);
  if (output.success) return text;
  const errors = new TextDecoder().decode(output.stderr);
  throw new Error(`${argv.join(" ")} failed: ${errors}${text}`);
}

/** Whether a run succeeds. */
export async function succeeds(
  argv: readonly string[],
  options?: Deno.CommandOptions,
): Promise<boolean> {
  try {
    await run(argv, options);
    return true;
  } catch {
    return false;
  }
}

function userCan(what: string, path: string): Promise<boolean> {
  return succeeds(asUser(["test", what, path]));
}

/** The first of these programs that there is, searched for as a shell would. */
export function findProgram(...names: string[]): string | null {
  const path = `${Deno.env.get("PATH")}:/usr/sbin:/usr/bin:/sbin:/bin`;
  for (const name of names) {
    const places = name.includes("/") ? [""] : path.split(":");
    for (const place of places) {
      const file = place === "" ? name : `${place}/${name}`;
      try {
        if (Deno.statSync(file).isFile) return file;
      } catch {
        // Not here.
      }
    }
  }
  return null;
}
