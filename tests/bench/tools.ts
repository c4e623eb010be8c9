// deno-lint-ignore-file no-console -- says what went wrong where
/**
 * What contenders need besides Deno: programs of this machine, compiled ones and
 * packages of npm. Each is looked for once; where it is missing, why.
 *
 * @module
 */

import { PROJECT } from "../runner/project.ts";
import { chooseStd } from "../runner/std.ts";
import { findProgram, run } from "../real/place.ts";

/** A path, or why there is none. */
export type Found = { readonly path: string } | { readonly missing: string };

const HERE = new URL("./", import.meta.url).pathname;

/** The packages of npm that take part. */
const PACKAGES: readonly string[] = ["execa@9", "tree-kill@1", "fkill@10"];

const INSTALL_MS = 60_000;

/** Finds and makes what contenders need. */
export class Tools {
  readonly #found: Map<string, Promise<Found>> = new Map();
  readonly #dir: string = Deno.makeTempDirSync({ prefix: "killable-bench-" });

  /** A program on the `PATH`. */
  program(...names: string[]): Promise<Found> {
    const path = findProgram(...names);
    return Promise.resolve(
      path === null ? { missing: `there is no ${names[0]}` } : { path },
    );
  }

  /** A C file of this folder, compiled. */
  compiled(name: string): Promise<Found> {
    return this.#once(name, "the compiler failed", async () => {
      const compiler = findProgram("gcc", "cc", "clang");
      if (compiler === null) return { missing: "there is no C compiler" };
      const path = `${this.#dir}/${name}`;
      await run([compiler, "-O2", "-o", path, `${HERE}${name}.c`]);
      return { path };
    });
  }

  /** The folder with the packages, outside of the project. */
  npm(): Promise<Found> {
    return this.#once("npm", "npm could not install it", async () => {
      const npm = findProgram("npm");
      if (npm === null) return { missing: "there is no npm" };
      const home = Deno.env.get("HOME") ?? this.#dir;
      const cache = Deno.env.get("KILLABLE_CACHE") ??
        `${home}/.cache/killable-process`;
      const path = `${cache}/bench`;
      await Deno.mkdir(path, { recursive: true });
      // deno-fmt-ignore
      await run([npm, "install", "--silent", "--no-fund", "--no-audit", "--prefer-offline", "--prefix", path, ...PACKAGES],
        { signal: AbortSignal.timeout(INSTALL_MS) });
      return { path };
    });
  }

  /** Flags with which Deno runs the command line of this library. */
  async cliFlags(): Promise<readonly string[]> {
    return (await chooseStd(false)).flags;
  }

  /** The command line of this library, compiled. */
  cli(): Promise<Found> {
    return this.#once("cli", "deno compile could not download", async () => {
      const path = `${this.#dir}/killable`;
      const flags = await this.cliFlags();
      // deno-fmt-ignore
      await run([Deno.execPath(), "compile", "--quiet", "--no-check", "--no-lock", "-A", ...flags, "--output", path, "cli.ts"],
        { cwd: PROJECT, signal: AbortSignal.timeout(INSTALL_MS) });
      return { path };
    });
  }

  /** The folder with the release build. */
  release(): Promise<Found> {
    return this.#once("release", "deno bundle could not run", async () => {
      const path = `${this.#dir}/release`;
      // deno-fmt-ignore
      await run([Deno.execPath(), "run", "--no-lock", "-A", "tests/release/build.ts", path],
        { cwd: PROJECT, signal: AbortSignal.timeout(INSTALL_MS) });
      const script = `import { Command } from "./killable_process.js";
        const quiet = { stdin: "null", stdout: "null", stderr: "null" };
        await new Command("/bin/true", quiet).spawn().status;`;
      await Deno.writeTextFile(`${path}/start.js`, script);
      return { path };
    });
  }

  /** The folder with Wine and the Deno for Windows, as the Windows lane left it. */
  wine(): Promise<Found> {
    return this.#once("wine", "the Windows lane has not run here", async () => {
      const home = Deno.env.get("HOME") ?? "";
      const cache = Deno.env.get("KILLABLE_CACHE") ??
        `${home}/.cache/killable-process`;
      const path = `${cache}/wine`;
      await Deno.stat(`${path}/wine10/bin/wine`);
      await Deno.stat(`${path}/deno-${Deno.version.deno}.exe`);
      return { path };
    });
  }

  /** Forgets what was made. */
  async close(): Promise<void> {
    await Deno.remove(this.#dir, { recursive: true });
  }

  #once(
    name: string,
    otherwise: string,
    find: () => Promise<Found>,
  ): Promise<Found> {
    let found = this.#found.get(name);
    if (found === undefined) {
      found = attempt(otherwise, find);
      this.#found.set(name, found);
    }
    return found;
  }
}

async function attempt(
  otherwise: string,
  find: () => Promise<Found>,
): Promise<Found> {
  try {
    return await find();
  } catch (error) {
    // What failed in detail has paths in it, and is not for the results.
    console.error(error instanceof Error ? error.message : error);
    return { missing: otherwise };
  }
}
